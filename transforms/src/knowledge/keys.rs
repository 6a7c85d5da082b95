//! Private keys, and the commands that make them for their owner alone.

use super::sorted::Sorted;

static KEYS: Sorted = Sorted::new(include_str!("../../data/keys.tsv"));

/// The files, as they are named among `args`, that `program` makes readable for their owner alone.
pub fn made<'a>(program: &str, args: &'a [String]) -> Vec<&'a str> {
    let several = || KEYS.find(&format!("{program} {}", args.first()?));
    let Some(row) = KEYS.find(program).or_else(several) else { return Vec::new() };
    if row.column(1).split_whitespace().any(|word| args.iter().any(|arg| arg == word)) {
        return Vec::new();
    }
    let named = |option: &str| args.get(args.iter().position(|arg| arg == option)? + 1).map(String::as_str);
    row.column(0).split(' ').filter_map(named).collect()
}

/// Whether a file is a private key, or a store of some, by its name.
pub fn is_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let (stem, end) = name.rsplit_once('.').unwrap_or((&name, ""));
    match end {
        "key" | "p12" | "pfx" | "jks" | "keystore" => !stem.contains("pub"),
        "pem" => {
            let mut words = stem.split(['-', '_', '.']);
            words.any(|word| matches!(word, "key" | "private" | "privkey" | "privatekey"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYS, is_key, made};

    fn keys(line: &str) -> Vec<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        made(&words[0], &words[1..]).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_key_is_made_for_its_owner() {
        assert_eq!(keys("openssl req -x509 -nodes -keyout /certs/a.key -out /certs/a.crt"), ["/certs/a.key"]);
        assert_eq!(keys("openssl genrsa -out a.key 2048"), ["a.key"]);
        assert_eq!(keys("ssh-keygen -t rsa -f jwt.key"), ["jwt.key"]);
        assert!(keys("openssl rsa -in a.key -pubout -out a.pub").is_empty());
        assert!(keys("openssl x509 -in a.crt -out b.crt").is_empty());
        assert!(keys("openssl genrsa").is_empty());
        assert!(keys("openssl").is_empty());
    }

    #[test]
    fn a_key_is_known_by_its_name() {
        assert!(["server.key", "privkey.pem", "tls-key.pem", "a.p12", "private.pem"].iter().all(|name| is_key(name)));
        assert!(
            !["cert.pem", "keyboard.pem", "a.crt", "key", "jwt.pub.key", "monkey.pem"].iter().any(|name| is_key(name))
        );
    }

    #[test]
    fn the_table_is_sorted() {
        KEYS.check();
    }
}
