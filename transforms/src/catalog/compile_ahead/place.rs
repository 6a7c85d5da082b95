//! Where the RUN stands that compiles: behind the last instruction that brings or makes anything it reads.

use crate::edit::Edit;
use crate::model::{Model, Stage, effects, paths};
use crate::surgery::Layout;
use crate::syntax::{Form, Keyword};
use crate::transform::Refusal;

use super::project::{Ahead, Project, quote};
use super::refuse;
use super::start::Start;

/// Whether the image has the sources, and keeps what is made of them.
///
/// # Errors
/// They are brought when the container starts, or a volume lies over the result.
pub(super) fn sources(project: &Project<'_, '_, '_>, ahead: &Ahead) -> Result<(), Refusal> {
    let (model, stage) = (project.model, project.stage);
    // Files that say what to compile, and are not it.
    let manifest = |source: &str| {
        let name = paths::name(source);
        let names = [
            "go.mod",
            "go.sum",
            "go.*",
            "Cargo.toml",
            "Cargo.lock",
            "Cargo.*",
            "pom.xml",
            "settings.xml",
            "package.json",
            "package-lock.json",
            "package*.json",
            "yarn.lock",
            "build.gradle",
            "settings.gradle",
            "gradlew",
            "build.sbt",
            "stack.yaml",
            "package.yaml",
            "pubspec.yaml",
            "pubspec.lock",
            "pubspec.*",
            "Package.swift",
            "Package.resolved",
            "nuget.config",
            "global.json",
        ];
        let hidden = name.starts_with('.') && !matches!(name, "." | "..");
        let settings = hidden || name.contains(".config.") || name.starts_with("tsconfig");
        let lists = [".sln", ".cabal", "proj"].iter().any(|end| name.ends_with(end));
        settings || lists || names.contains(&name)
    };
    let brings = |stage: &Stage| {
        model.body(stage).any(|(index, instruction)| match instruction.keyword {
            Keyword::Copy | Keyword::Add => {
                !instruction.heredocs.is_empty()
                    || model.copied(index).is_some_and(|copied| copied.sources.iter().any(|source| !manifest(source)))
            }
            Keyword::Run => model.steps(index).unwrap_or_default().iter().any(|step| {
                let made = matches!(
                    effects::of(step),
                    effects::Effect::Fetch(_) | effects::Effect::Writes(_) | effects::Effect::Unknown
                );
                let generates = matches!(step.subcommand(), Some("new" | "init" | "get" | "create"));
                made || generates && effects::of(step).is_work()
            }),
            _ => false,
        })
    };
    let all: Vec<&Stage> = std::iter::once(stage).chain(model.below(stage)).collect();
    if !all.iter().any(|stage| brings(stage)) {
        let text = "no instruction brings the sources: they are there when the container starts, and not in the image";
        return Err(refuse("no-sources", text, true));
    }
    for (index, instruction) in all.iter().flat_map(|stage| model.body(stage)) {
        if instruction.keyword != Keyword::Volume {
            continue;
        }
        let words: Vec<String> = match &instruction.form {
            Form::Json(words) => words.iter().map(|(word, _)| word.clone()).collect(),
            Form::Text => instruction.words().into_iter().map(|word| word.raw.to_owned()).collect(),
        };
        for word in words {
            let volume = model.expand(index, &word);
            if volume.known && paths::within(&ahead.writes, &paths::join("/", &volume.text)) {
                let text = format!("VOLUME {} says that other files lie over the sources when it runs", volume.text);
                return Err(refuse("development-image", text, true));
            }
        }
    }
    Ok(())
}

/// The instruction behind which the program is compiled: everything that it reads is there, and who may write the result
/// is at work.
pub(super) fn behind(model: &Model<'_>, stage: &Stage) -> Option<usize> {
    let last = |wanted: &[Keyword]| {
        model.body(stage).rev().find(|(_, one)| wanted.contains(&one.keyword)).map(|(index, _)| index)
    };
    let made = last(&[Keyword::Run, Keyword::Copy, Keyword::Add, Keyword::Workdir, Keyword::Shell]);
    // Variables are there at the start, so they are there when it is compiled; as long as nobody else is at work then.
    let set = last(&[Keyword::Env, Keyword::Arg]).filter(|set| made.is_none_or(|made| made < *set));
    let user = |index: usize| model.user(index + 1).map(|user| user.text.as_str());
    match (made, set) {
        (Some(made), Some(set)) if user(made) == user(set) => Some(set),
        (None, set) => set,
        (made, _) => made,
    }
}

/// Who is at work behind an instruction, where it is not root.
pub(super) fn other_user<'m>(model: &'m Model<'_>, index: usize) -> Option<&'m str> {
    let user = model.user(index + 1)?;
    let name = user.text.split(':').next().unwrap_or_default();
    (!matches!(name, "root" | "0")).then_some(user.text.as_str())
}

/// The lines that compile.
pub(super) fn insert(
    model: &Model<'_>,
    stage: &Stage,
    layout: &Layout<'_, '_>,
    start: &Start<'_>,
    ahead: &Ahead,
    moved: &[String],
) -> Result<Vec<Edit>, Refusal> {
    let text = "no instruction stands before the command that compiles";
    let at = behind(model, stage).ok_or_else(|| refuse("no-sources", text, true))?;
    let mut lines = Vec::new();
    // What has been compiled behind the last of the sources need not be compiled again.
    let copies = |keyword| matches!(keyword, Keyword::Copy | Keyword::Add);
    let last_copy = model.body(stage).rev().find(|(_, one)| copies(one.keyword)).map_or(0, |(index, _)| index);
    let done = moved.is_empty()
        && model.body(stage).filter(|(index, one)| *index > last_copy && one.keyword == Keyword::Run).any(
            |(index, _)| {
                let steps = model.steps(index).unwrap_or_default();
                steps.iter().any(|step| step.always && step.cwd == start.step.cwd && (ahead.built)(step))
            },
        );
    if !done {
        let cwd = start.step.cwd.as_deref();
        let mut commands: Vec<String> = Vec::new();
        if model.final_workdir(stage) != cwd {
            commands.extend(cwd.map(|cwd| format!("cd {}", quote(cwd))));
        }
        commands.extend(moved.iter().map(|command| command.split_whitespace().collect::<Vec<_>>().join(" ")));
        if commands.last() != Some(&ahead.build) {
            commands.push(ahead.build.clone());
        }
        lines.push(layout.run(&commands));
    }
    lines.extend(ahead.workdir.iter().map(|folder| format!("{} {folder}", layout.keyword("WORKDIR"))));
    if !ahead.env.is_empty() {
        let escape = char::from(model.file.escape);
        let pairs = ahead.env.iter().map(|(name, value)| format!("{name}={}", double(value, escape)));
        lines.push(format!("{} {}", layout.keyword("ENV"), pairs.collect::<Vec<_>>().join(" ")));
    }
    Ok(if lines.is_empty() { Vec::new() } else { layout.insert_after(at, lines.join(layout.eol())) })
}

/// A value of ENV, in a file with this escape character.
fn double(value: &str, escape: char) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+,;*@%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '$') || c == escape {
            quoted.push(escape);
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn a_value_is_what_it_was() {
        assert_eq!(double("http://*:80", '\\'), "http://*:80");
        assert_eq!(double("a $b \"c\" \\d", '\\'), "\"a \\$b \\\"c\\\" \\\\d\"");
        assert_eq!(double("C:\\x $y", '`'), "\"C:\\x `$y\"");
        assert_eq!(double("", '\\'), "\"\"");
    }
}
