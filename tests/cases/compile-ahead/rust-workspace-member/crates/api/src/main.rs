fn main() { store::open(); }
