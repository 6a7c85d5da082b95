use std::fs::{self, File};
use std::io::Write;

fn main() -> std::io::Result<()> {
    let games = fs::read_to_string("data/games.log")?;
    let mut report = File::create("data/report.txt")?;
    writeln!(report, "{}", games.lines().count())
}
