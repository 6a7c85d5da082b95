fn main() { println!("words"); }
