//! What a project in Java asks of the image that it runs on, beyond a bare runtime.

use crate::context::{self, Context};
use crate::knowledge::words::Words;

/// What sources that draw name: windows, fonts and images, for which Java takes libraries of the system.
const DRAWS: [&str; 5] = ["java.awt", "javax.imageio", "javax.print", "javax.swing", "javafx."];

/// Files that say which libraries a project uses.
fn lists(file: &str) -> bool {
    [".gradle", ".gradle.kts", "pom.xml", ".sbt", "libs.versions.toml", "project.clj"]
        .iter()
        .any(|end| file.ends_with(end))
}

/// Whether a file of the project that `looks` at has one of the marks.
fn names(context: &dyn Context, looks: impl Fn(&str) -> bool, marks: &[&str]) -> bool {
    context.files().iter().filter(|file| looks(file)).any(|file| {
        context
            .read(file)
            .is_some_and(|content| marks.iter().any(|mark| memchr::memmem::find(&content, mark.as_bytes()).is_some()))
    })
}

/// Whether there are sources to read, and not only what was compiled from them.
fn is_project(context: &dyn Context) -> bool {
    let source = |file: &str| [".java", ".kt", ".scala"].iter().any(|end| file.ends_with(end));
    context.files().iter().any(|file| lists(file) || source(file))
}

/// Whether the project may draw: with nothing to read, it may.
pub(super) fn draws(context: Option<&dyn Context>) -> bool {
    let Some(context) = context.filter(|context| is_project(*context)) else { return true };
    names(context, context::is_code, &DRAWS) || names(context, lists, Words::DrawingJars.list())
}

/// Whether the sources use the tools of a JDK when they run, themselves or by a library.
pub(super) fn uses_tools(context: Option<&dyn Context>) -> bool {
    context.is_some_and(|context| names(context, context::is_code, Words::JdkUses.list()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryContext;

    #[test]
    fn what_a_project_draws_with_is_named_in_its_sources_or_its_libraries() {
        let project = |file: &str, text: &str| MemoryContext::new([("pom.xml", "<project/>"), (file, text)]);
        assert!(draws(None));
        assert!(draws(Some(&MemoryContext::new([("target/app.jar", "")]))));
        assert!(!draws(Some(&project("src/App.java", "class App {}"))));
        assert!(draws(Some(&project("src/App.java", "import java.awt.Color;"))));
        assert!(draws(Some(&project("web/pom.xml", "<groupId>org.apache.poi</groupId>"))));
        assert!(!draws(Some(&project("src/test/AppTest.java", "import java.awt.Color;"))));
    }

    #[test]
    fn a_project_that_compiles_when_it_runs_names_the_compiler() {
        let project = |text: &str| MemoryContext::new([("src/App.java", text)]);
        assert!(!uses_tools(None));
        assert!(!uses_tools(Some(&project("import javax.tools.Diagnostic;"))));
        assert!(uses_tools(Some(&project("var javac = ToolProvider.getSystemJavaCompiler();"))));
        assert!(!uses_tools(Some(&project("import gg.jte.TemplateEngine;"))));
        assert!(uses_tools(Some(&project("import gg.jte.resolve.DirectoryCodeResolver;"))));
    }
}
