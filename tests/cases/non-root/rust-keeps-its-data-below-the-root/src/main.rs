use std::path::{Path, PathBuf};

mod store;

fn folder(told: Option<&str>) -> PathBuf {
    Path::new(told.unwrap_or("./db")).join("mainnet")
}

fn main() {
    let told = std::env::args().nth(1);
    store::open(&folder(told.as_deref()));
}
