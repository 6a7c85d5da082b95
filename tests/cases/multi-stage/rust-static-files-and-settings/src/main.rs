use actix_files::Files;
use actix_web::{App, HttpServer, web};
use config::{Config, File};

static TERMS: &str = include_str!("terms.txt");

#[derive(askama::Template)]
#[template(path = "board.html")]
struct Board<'a> {
    title: &'a str,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let settings = Config::builder().add_source(File::with_name("config/default")).build().expect("settings");
    let port: u16 = settings.get("port").expect("a port");
    let pool = sqlx::SqlitePool::connect("sqlite::memory:").await.expect("a database");
    sqlx::migrate!().run(&pool).await.expect("the tables");
    HttpServer::new(|| {
        App::new()
            .service(Files::new("/static", "./static"))
            .route("/terms", web::get().to(|| async { TERMS }))
            .route("/", web::get().to(|| async { Board { title: "Notes" }.to_string() }))
    })
    .bind(("0.0.0.0", port))?
    .run()
    .await
}
