fn main() {
    let server = tiny_http::Server::http("0.0.0.0:8000").expect("a port");
    for request in server.incoming_requests() {
        let _ = request.respond(tiny_http::Response::from_string("ok"));
    }
}
