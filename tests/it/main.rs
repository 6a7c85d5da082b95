//! Everything that is tested through the program itself, in one binary.

mod cases;
mod cli;
mod formats;
mod golden;
mod hardest;
#[cfg(unix)]
mod pr;
mod settings;
mod smoke;
mod tidy;
#[cfg(unix)]
mod verify;
mod workspace;
