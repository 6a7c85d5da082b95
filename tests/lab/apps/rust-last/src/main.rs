use serde::Deserialize;
use tiny_http::{Header, Response, Server};

#[derive(Deserialize)]
struct Config {
    listen: String,
    quotes: Vec<String>,
}

fn main() {
    let text = std::fs::read_to_string("config/default.toml").expect("config/default.toml");
    let config: Config = toml::from_str(&text).expect("configuration");
    let server = Server::http(&config.listen).expect("listen");
    for request in server.incoming_requests() {
        let body = serde_json::to_string(&config.quotes).expect("json");
        let kind = Header::from_bytes("Content-Type", "application/json").expect("header");
        let _ = request.respond(Response::from_string(body).with_header(kind));
    }
}
