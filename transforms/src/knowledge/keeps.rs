//! Files that a program writes without a word of the project's sources: its number, its log, its timetable.

use super::sorted::Sorted;

static KEEPS: Sorted = Sorted::new(include_str!("../../data/keeps.tsv"));

/// The files that `program` writes that is started with these words, from the folder that it starts in.
pub fn files<'a>(program: &str, args: &'a [String]) -> Vec<&'a str> {
    let value = |option: &str| {
        let joined = args.iter().find_map(|arg| arg.strip_prefix(option)?.strip_prefix('='));
        let apart = || {
            args.windows(2).find_map(|pair| match pair {
                [word, value] if word == option => Some(value.as_str()),
                _ => None,
            })
        };
        joined.or_else(apart)
    };
    let mut found: Vec<&str> = Vec::new();
    for row in KEEPS.all(program) {
        let (word, file) = (row.column(0), row.column(1));
        let file = match file {
            "=" => value(word).filter(|value| is_file(value)),
            _ => {
                let said = word == "-" || args.iter().any(|arg| arg == word);
                let elsewhere = row.column(2).split_ascii_whitespace().any(|option| value(option).is_some());
                (said && !elsewhere).then_some(file)
            }
        };
        found.extend(file.filter(|file| !found.contains(file)));
    }
    found
}

/// Whether the value of an option is a file: neither a stream nor an option, nor to be found out when it runs.
fn is_file(value: &str) -> bool {
    !matches!(value, "" | "-" | "stdout" | "stderr" | "syslog")
        && !value.starts_with(['-', '$'])
        && !value.contains(['$', '%', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_options_say_where_a_file_is() {
        KEEPS.check();
        let files = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            super::files(&words[0], &words[1..]).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(files("gunicorn app:app --pid=pid --access-logfile -"), ["pid"]);
        assert_eq!(files("gunicorn app:app -p run/app.pid -b 0.0.0.0:80"), ["run/app.pid"]);
        assert_eq!(files("celery -A shop beat -l info"), ["celerybeat-schedule"]);
        assert_eq!(files("celery -A shop worker -B --schedule=/tmp/beat"), ["/tmp/beat"]);
        assert_eq!(files("celery -A shop worker"), Vec::<String>::new());
        assert_eq!(files("twistd --nodaemon -y app.tac"), ["twistd.pid"]);
        assert_eq!(files("gunicorn app:app --log-file -"), Vec::<String>::new());
    }
}
