import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

class Rules {
    static final JavaCompiler COMPILER = ToolProvider.getSystemJavaCompiler();
}
