//! Everything that is tested through the program itself, in one binary.

mod cases;
mod cli;
mod golden;
mod hardest;
mod smoke;
mod tidy;
#[cfg(unix)]
mod verify;
mod workspace;
