//! Programs that start another one, which their own arguments name.

use super::sorted::Sorted;

static WRAPPERS: Sorted = Sorted::new(include_str!("../../data/wrappers.tsv"));

/// Whether a program is known to start another one.
pub fn is_known(program: &str) -> bool {
    WRAPPERS.find(program).is_some()
}

/// The command among the arguments of `program`; `None` where it starts none, or none is named.
pub fn started<'a>(program: &str, args: &'a [String]) -> Option<&'a [String]> {
    // A script that waits for a server first: `wait-for-it.sh db:5432 -- program`.
    let row = WRAPPERS.find(program);
    let behind = match row {
        Some(row) => row.column(0),
        None if program.starts_with("wait") => "--",
        None => return None,
    };
    let mark = args.iter().position(|arg| arg == "--");
    if behind == "--" {
        let at = match mark {
            Some(mark) => mark + 1,
            // One of the project's own, which takes an address and a command: `wait-for-port.sh web:5000 nginx`.
            None if row.is_none() && program.ends_with(".sh") => addresses(args),
            None => return None,
        };
        return args.get(at..).filter(|rest| at > 0 && !rest.is_empty());
    }
    let valued = row.map_or("", |row| row.column(1));
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        at += 1;
        if arg == "--" {
            break;
        }
        at += usize::from(valued.split(' ').any(|option| option == arg));
    }
    let words: usize = behind.parse().unwrap_or(0);
    args.get(at + words..).filter(|rest| !rest.is_empty())
}

/// How many words say for what a script waits: `db:5432`, `db 5432`, `bootstrap /app/run`.
fn addresses(args: &[String]) -> usize {
    let number = |arg: &String| !arg.is_empty() && arg.bytes().all(|byte| byte.is_ascii_digit());
    let address = |arg: &&String| arg.contains(':') || number(arg);
    let host = |pair: &[String]| matches!(pair, [host, next, ..] if !host.contains('/') && (number(next) || next.starts_with('/')));
    let first = usize::from(!args.first().is_some_and(|arg| address(&arg)) && host(args));
    first + args.iter().skip(first).take_while(address).count()
}

#[cfg(test)]
mod tests {
    use super::{WRAPPERS, started};

    fn rest(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        started(&words[0], &words[1..]).map(|rest| rest.join(" "))
    }

    #[test]
    fn the_command_stands_behind_the_options_and_their_values() {
        assert_eq!(rest("dockerize -wait tcp://db:5432 -timeout 60s npm start").as_deref(), Some("npm start"));
        assert_eq!(rest("tini -g -- node app.js").as_deref(), Some("node app.js"));
        assert_eq!(rest("tini node app.js").as_deref(), Some("node app.js"));
        assert_eq!(rest("dumb-init -r 15:3 nginx").as_deref(), Some("nginx"));
        assert_eq!(rest("timeout -s KILL 30 ./run").as_deref(), Some("./run"));
        assert_eq!(rest("newrelic-admin run-program gunicorn app").as_deref(), Some("gunicorn app"));
        assert_eq!(rest("wait-for-it.sh db:5432 -- ./serve -v").as_deref(), Some("./serve -v"));
        assert_eq!(rest("wait-for-port.sh db:5432 cache:6379 nginx -g off").as_deref(), Some("nginx -g off"));
        assert_eq!(rest("wait-for.sh db 5432 npm start").as_deref(), Some("npm start"));
        assert_eq!(rest("wait-for-container.sh migrate /app/run").as_deref(), Some("/app/run"));
    }

    #[test]
    fn the_table_is_sorted() {
        WRAPPERS.check();
    }

    #[test]
    fn nothing_is_started_where_nothing_is_named() {
        assert_eq!(rest("dockerize -template a:b"), None);
        assert_eq!(rest("wait-for-it.sh db:5432"), None);
        assert_eq!(rest("wait-for-db.sh npm start"), None);
        assert_eq!(rest("wait-for-db.sh db 5432"), None);
        assert_eq!(rest("nginx -g x"), None);
    }
}
