use diesel::prelude::*;

fn main() {
    let place = std::env::var("LEDGER").unwrap_or_else(|_| "ledger.db".into());
    let _ledger = SqliteConnection::establish(&place).expect("a ledger");
}
