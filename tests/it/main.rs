//! Everything that is tested through the program itself, in one binary.

mod cases;
mod cli;
mod tidy;
mod workspace;
