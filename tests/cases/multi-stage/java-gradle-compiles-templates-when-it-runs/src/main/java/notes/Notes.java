package notes;

import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import gg.jte.resolve.ResourceCodeResolver;
import io.javalin.Javalin;

class Notes {
    public static void main(String[] args) {
        var pages = TemplateEngine.create(new ResourceCodeResolver("pages"), ContentType.Html);
        Javalin.create().get("/", context -> {
            var page = new StringOutput();
            pages.render("index.jte", "hello", page);
            context.html(page.toString());
        }).start(7070);
    }
}
