//! Keys of archives that are fetched into the ring of who runs the build.

use crate::model::commands::Step;

use super::super::survey::{Survey, Unit};

/// Whether a command fetches a key into the ring of who runs it.
pub(super) fn receives_key(step: &Step) -> bool {
    step.program().starts_with("gpg")
        && step.args().iter().any(|arg| arg.starts_with("--recv-key") || arg == "--import")
}

/// Whether this instruction, or a later one, hands the key on that a command fetches into that ring.
pub(super) fn hands_on(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> bool {
    let later = survey.units.iter().skip_while(|other| other.index != unit.index);
    // One key has numbers of several lengths. What is read from a file or a pipe may be any.
    let number = |word: &&String| {
        let digits = word.trim_start_matches("0x");
        digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let numbers = |step: &Step| -> Vec<String> {
        step.args().iter().filter(number).map(|word| word.trim_start_matches("0x").to_ascii_uppercase()).collect()
    };
    let fetched = numbers(step);
    later.flat_map(|unit| unit.steps).filter(|other| exports_key(other)).any(|other| {
        let handed = numbers(other);
        fetched.is_empty()
            || handed.is_empty()
            || fetched.iter().any(|one| handed.iter().any(|other| one.ends_with(other) || other.ends_with(one)))
    })
}

/// Whether a command writes a key out of that ring.
fn exports_key(step: &Step) -> bool {
    step.program().starts_with("gpg") && step.args().iter().any(|arg| arg.starts_with("--export"))
}
