//! What the sources start as another user, or as root.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::context;
use crate::transform::Refusal;

use super::super::survey::Survey;
use super::super::{owns, refuse};
use super::{installed_like, pattern};

/// How sources start a program by `sudo`: as the first word of a list, or of a command.
static SUDO: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"["']sudo["']\s*,|["'`]sudo\s+-|["'`]sudo [a-z/]"#));

/// How sources start nmap in a way that root alone may: it makes the packets itself.
static RAW: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?:\bnmap\b|\barguments\s*=)[^\n]{0,200}\s?-(?:O|s[STUOYNFXAWMZ])\b"#));

/// Sources that start a tool which needs root the way that they start it.
///
/// # Errors
/// They do, and it is installed.
pub(super) fn calls_raw(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    if installed_like(survey, "nmap").is_none_or(|name| name != "nmap") {
        return Ok(());
    }
    match found(survey, &RAW) {
        Some(path) => {
            let text = format!("{path} starts nmap with what root alone may do: packets that it makes itself");
            Err(refuse("needs-root", text, true))
        }
        None => Ok(()),
    }
}

/// Sources that start programs by the `sudo` that the image is given, which asks everybody but root for a password.
///
/// # Errors
/// They do, and nothing says that no password is asked for.
pub(super) fn calls_sudo(survey: &Survey<'_, '_>) -> Result<(), Refusal> {
    let source = survey.model.file.source;
    if memchr::memmem::find(source, b"sudo").is_none()
        || memchr::memmem::find(source, b"NOPASSWD").is_some()
        || installed_like(survey, "sudo").is_none_or(|name| name != "sudo")
    {
        return Ok(());
    }
    match found(survey, &SUDO) {
        Some(path) => {
            let text = format!("{path} starts programs by sudo, which needs root or a password");
            Err(refuse("drops-privileges", text, true))
        }
        None => Ok(()),
    }
}

/// The first source of the program that says so.
fn found<'s>(survey: &'s Survey<'_, '_>, says: &LazyLock<Option<Regex>>) -> Option<&'s str> {
    let (context, says) = (survey.model.context?, says.as_ref()?);
    let mut sources = context::contents(context, |path| owns::runs_here(survey, path));
    sources.find_map(|(path, content)| says.is_match(&content).then_some(path))
}
