use std::env::var;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const ROOT: &str = "CARGO_MANIFEST_DIR";

fn main() {
    println!("{VERSION} {}", var(ROOT).unwrap());
}
