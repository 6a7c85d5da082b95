//! High water, from a table beside the program.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};

fn answer(mut stream: TcpStream, table: &str) -> Result<()> {
    let Some(asked) = BufReader::new(&stream).lines().next().transpose()? else { return Ok(()) };
    let day = asked.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
    let row = table.lines().find(|row| row.starts_with(day)).unwrap_or("no such day");
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{row}", row.len())
}

fn main() -> Result<()> {
    let table = std::fs::read_to_string("tables/harbour.csv")?;
    for stream in TcpListener::bind("0.0.0.0:8090")?.incoming().flatten() {
        if let Err(error) = answer(stream, &table) {
            eprintln!("{error}");
        }
    }
    Ok(())
}
