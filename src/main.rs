//! dockwright: rewrites Dockerfiles.

fn main() {}
