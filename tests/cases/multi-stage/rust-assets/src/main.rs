use tera::{Context, Tera};

fn main() {
    let tera = Tera::new("templates/**/*.html").expect("the templates are read");
    println!("{}", tera.render("index.html", &Context::new()).expect("the page is rendered"));
}
