fn main() { println!("rates"); }
