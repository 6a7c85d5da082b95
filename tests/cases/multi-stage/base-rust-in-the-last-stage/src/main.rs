fn main() { println!("notes"); }
