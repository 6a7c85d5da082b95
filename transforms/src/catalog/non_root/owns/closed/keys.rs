//! Private keys: who makes one makes it for its owner alone, and a server that starts as another user can't read it.

use crate::knowledge::keys;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;

use super::super::super::survey::Survey;
use super::super::free;

/// Folders that their distribution keeps for root: Debian's openssl and ssl-cert.
const CLOSED: [&str; 1] = ["/etc/ssl/private"];

/// Keys of those who are root in any case, or that a build alone uses.
const OTHERS: [&str; 3] = ["/root", "/etc/ssh", "/etc/apt"];

/// The key that Debian's ssl-cert makes, for the site of Debian's Apache that is served with it.
pub(super) fn of_default_site(survey: &Survey<'_, '_>) -> Option<String> {
    const SITE: &str = "default-ssl";
    let steps = || survey.units.iter().flat_map(|unit| survey.steps(unit));
    let enables = |step: &Step| {
        step.program() == "a2ensite" && step.args().iter().any(|site| site.trim_end_matches(".conf") == SITE)
    };
    // Apache recommends ssl-cert.
    let brings = |step: &Step| {
        let says = |word: &str| step.args().iter().any(|arg| arg == word);
        matches!(step.program(), "apt-get" | "apt" | "aptitude")
            && (says("ssl-cert") || says("apache2") && !says("--no-install-recommends"))
    };
    let replaced = survey
        .units
        .iter()
        .filter(|unit| unit.instruction.keyword != Keyword::Run)
        .any(|unit| unit.instruction.args.text.contains(SITE));
    let edited = || steps().any(|step| !enables(step) && step.argv.iter().any(|word| word.contains(SITE)));
    let enabled = steps().any(enables) && steps().any(brings) && !replaced && !edited();
    enabled.then(|| "/etc/ssl/private/ssl-cert-snakeoil.key".to_owned())
}

/// Whether a file that is copied is the private key of a certificate, by its name and its place: what archives of packages
/// are signed with goes by such names too.
pub(super) fn is_certificates(survey: &Survey<'_, '_>, source: &str, to: &str) -> bool {
    const PLACES: [&str; 7] = ["cert", "key", "private", "secret", "ssl", "tls", "pki"];
    // By the name that it has, or by the one that it is given: `COPY privkey.pem-live /etc/ssl/privkey.pem`.
    let names = [paths::name(source), paths::name(to)];
    let Some(name) = names.into_iter().find(|name| keys::is_key(name)) else { return false };
    if source.contains("gpg") || to.contains("gpg") {
        return false;
    }
    let certificate = |name: &str| {
        let end = name.rsplit('.').next().unwrap_or_default();
        matches!(end, "crt" | "cer" | "cert") || end == "pem" && !keys::is_key(name)
    };
    let beside = || {
        let copied = survey.units.iter().filter_map(|unit| survey.copied(unit));
        copied.flat_map(|copied| &copied.sources).any(|source| certificate(paths::name(source)))
    };
    let end = name.rsplit('.').next().unwrap_or_default();
    let store = matches!(end, "p12" | "pfx" | "jks" | "keystore");
    store || PLACES.iter().any(|place| paths::parent(to).contains(place)) || beside()
}

/// The closed folder that a file lies in.
pub(super) fn way(path: &str) -> Option<&str> {
    Some(paths::parent(path)).filter(|folder| is_closed(folder))
}

/// Whether a folder is closed.
pub(super) fn is_closed(folder: &str) -> bool {
    CLOSED.contains(&folder)
}

/// Whether a key is none of the program's.
pub(super) fn apart(path: &str) -> bool {
    free(path) || path.contains("/.ssh") || OTHERS.iter().any(|folder| paths::within(path, folder))
}
