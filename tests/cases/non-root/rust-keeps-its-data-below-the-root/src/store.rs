use std::path::Path;

pub fn open(at: &Path) {
    std::fs::create_dir_all(at).expect("a folder for the index");
}
