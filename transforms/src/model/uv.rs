//! Which Python uv takes for the environment that it makes.

use crate::knowledge::images::Image;
use crate::syntax::Keyword;
use crate::syntax::words::Value;

use super::commands::Step;
use super::{Model, Stage, origin, paths};

/// Where the Python of an environment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It is the image's own, or there is nothing that asks for another.
    Image,
    /// uv downloads it: the image has another version than the one that is asked for.
    Download,
    /// It is the image's own if that is the version that is asked for, which can't be told.
    Unsure,
}

/// Where the Python comes from of the environment that `step` of instruction `index` makes or finds, in an image that has
/// one of its own.
pub fn source(model: &Model<'_>, stage: &Stage, index: usize, step: &Step) -> Source {
    let set = |name: &str| match model.variable(index, name) {
        Value::Set(value) => Some(value.into_owned()),
        _ => None,
    };
    // What stands behind the program that `uv run` starts is that program's: `uv run uvicorn main:app -p 8000`.
    let args = step.args();
    let run = args.iter().position(|arg| arg == "run").filter(|_| step.subcommand() == Some("run"));
    let behind = run.and_then(|at| args.get(at + 1..)).map_or(0, |rest| behind_options(rest).len());
    let own = args.get(..args.len() - behind).unwrap_or_default();
    let option = |name: &str| {
        own.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix(name)? {
            "" => own.get(at + 1).map(|value| (*value).clone()),
            value => value.strip_prefix('=').map(str::to_owned),
        })
    };
    let has = |name: &str| own.iter().any(|arg| *arg == name);
    let prefers = option("--python-preference").or_else(|| set("UV_PYTHON_PREFERENCE"));
    let never = ["--no-python-downloads", "--no-managed-python"].iter().any(|name| has(name))
        || ["UV_PYTHON_DOWNLOADS", "UV_NO_MANAGED_PYTHON"].iter().any(|name| set(name).is_some());
    match prefers.as_deref() {
        _ if never => return Source::Image,
        Some("only-system") => return Source::Image,
        Some("only-managed") => return Source::Download,
        _ => {}
    }
    let Some(asked) = option("--python").or_else(|| option("-p")).or_else(|| set("UV_PYTHON")).or_else(|| {
        let folder = step.cwd.as_deref()?;
        pinned(model, stage, index, folder).or_else(|| required(model, stage, index, folder))
    }) else {
        return Source::Image;
    };
    compare(&asked, model.known(stage).and_then(|image| version(&image)).as_deref())
}

/// Those of `starts` by `uv run` for which the environment of the build is of no use: what pins the version of Python has come
/// after `uv sync` has made it.
pub fn made_anew<'s>(
    model: &Model<'_>,
    stage: &Stage,
    starts: impl IntoIterator<Item = &'s Step>,
) -> impl Iterator<Item = &'s Step> {
    let last = model.body(stage).next_back().map_or(0, |(index, _)| index);
    let made = move |folder: &Option<String>| {
        model.body(stage).filter(|(_, instruction)| instruction.keyword == Keyword::Run).any(|(index, _)| {
            model.steps(index).unwrap_or_default().iter().any(|step| {
                step.program() == "uv"
                    && step.subcommand() == Some("sync")
                    && step.cwd == *folder
                    && source(model, stage, index, step) == Source::Image
            })
        })
    };
    starts.into_iter().filter(move |step| {
        step.program() == "uv"
            && step.subcommand() == Some("run")
            && source(model, stage, last, step) == Source::Download
            && made(&step.cwd)
    })
}

/// The words behind the options of a runner: `--no-sync --extra web python app.py`.
pub fn behind_options(words: &[String]) -> &[String] {
    const VALUED: [&str; 12] = [
        "-p",
        "--python",
        "--with",
        "--with-editable",
        "--with-requirements",
        "--extra",
        "--group",
        "--only-group",
        "--env-file",
        "--package",
        "--project",
        "--directory",
    ];
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at += 1 + usize::from(VALUED.contains(&word.as_str()));
    }
    words.get(at..).unwrap_or_default()
}

/// The content of a file of the project, if a COPY above instruction `index` has brought it.
fn text(model: &Model<'_>, stage: &Stage, index: usize, path: &str) -> Option<String> {
    let context = model.context?;
    let bytes = origin::above(model, stage, index, path, |file| context.read(&file))?;
    std::str::from_utf8(&bytes).ok().map(str::to_owned)
}

/// What `.python-version` of the folder, or of one above it, asks for.
fn pinned(model: &Model<'_>, stage: &Stage, index: usize, folder: &str) -> Option<String> {
    let mut folder = folder;
    loop {
        if let Some(text) = text(model, stage, index, &paths::join(folder, ".python-version")) {
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            return lines.next().map(str::to_owned);
        }
        folder = match folder.rsplit_once('/') {
            Some((above, _)) if !above.is_empty() => above,
            _ => return None,
        };
    }
}

/// What `requires-python` of the project asks for.
fn required(model: &Model<'_>, stage: &Stage, index: usize, folder: &str) -> Option<String> {
    let manifest = text(model, stage, index, &paths::join(folder, "pyproject.toml"))?;
    manifest.lines().find_map(|line| {
        let value = line.trim().strip_prefix("requires-python")?.trim_start().strip_prefix('=')?.trim();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        value.get(1..)?.split(quote).next().map(str::to_owned)
    })
}

/// The version of Python that an image has, as far as its tag says it.
fn version(image: &Image<'_>) -> Option<Vec<u32>> {
    let tag = match paths::name(image.name()) {
        "python" => image.tag(),
        "uv" => image.tag().split('-').find_map(|part| part.strip_prefix("python"))?,
        _ => return None,
    };
    numbers(tag.split('-').next()?)
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// Whether the version that there is is what is asked for: `3.13`, `cpython-3.13.1`, `>=3.12,<4`.
fn compare(asked: &str, there: Option<&[u32]>) -> Source {
    let asked = asked.trim().trim_start_matches("cpython").trim_start_matches("python").trim_start_matches(['-', '@']);
    if asked.is_empty() || asked.contains('/') || asked.contains('$') {
        return Source::Image;
    }
    if asked.starts_with(['>', '<', '=', '!', '~']) {
        let clauses = asked.split(',').map(|clause| clause_holds(clause.trim(), there));
        return clauses.fold(Source::Image, |all, one| match (all, one) {
            (Source::Download, _) | (_, Source::Download) => Source::Download,
            (Source::Unsure, _) | (_, Source::Unsure) => Source::Unsure,
            _ => Source::Image,
        });
    }
    match (numbers(asked), there) {
        // A port, and whatever else is no version of Python.
        (Some(asked), _) if !matches!(asked.first(), Some(2 | 3)) => Source::Image,
        (Some(asked), Some(there)) => same(&asked, there),
        // Another kind of Python is not what the image has: `pypy3.10`, `3.13t`.
        _ => Source::Unsure,
    }
}

/// Whether a version begins with these numbers.
fn same(asked: &[u32], there: &[u32]) -> Source {
    if asked.iter().zip(there).any(|(asked, there)| asked != there) {
        Source::Download
    } else if asked.len() <= there.len() {
        Source::Image
    } else {
        Source::Unsure
    }
}

/// Whether a clause of `requires-python` holds. Of a bound, what the tag leaves open is the newest there is.
fn clause_holds(clause: &str, there: Option<&[u32]>) -> Source {
    let operator = clause.trim_start_matches(['>', '<', '=', '!', '~']);
    let (operator, bound) = (&clause[..clause.len() - operator.len()], operator.trim());
    let exact = !bound.ends_with(".*");
    let Some(bound) = numbers(bound.trim_end_matches(".*")) else { return Source::Image };
    // A tag without a number, or with the first alone, is the newest Python.
    let Some(there) = there.filter(|there| there.len() > 1) else {
        return if matches!(operator, ">=" | ">" | "!=") { Source::Image } else { Source::Unsure };
    };
    let length = bound.len().min(there.len());
    let order = there[..length].cmp(&bound[..length]);
    let holds = match operator {
        ">=" | ">" => order.is_ge(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "==" | "===" if !exact || bound.len() <= there.len() => order.is_eq(),
        "==" | "===" => return same(&bound, there),
        "~=" => order.is_ge() && bound.len() > 1 && there.starts_with(&bound[..(bound.len() - 1).min(there.len())]),
        _ => true,
    };
    if holds { Source::Image } else { Source::Download }
}

#[cfg(test)]
mod tests {
    use super::{Source, compare};

    #[test]
    fn a_version_is_the_images_or_another() {
        let of = |asked| compare(asked, Some(&[3, 12]));
        assert_eq!(of("3.12"), Source::Image);
        assert_eq!(of("3"), Source::Image);
        assert_eq!(of("3.13"), Source::Download);
        assert_eq!(of("cpython-3.13"), Source::Download);
        assert_eq!(of("3.12.7"), Source::Unsure);
        assert_eq!(of("pypy3.10"), Source::Unsure);
        assert_eq!(of("8000"), Source::Image);
        assert_eq!(of(">=3.12"), Source::Image);
        assert_eq!(of(">=3.12.4"), Source::Image);
        assert_eq!(of(">=3.13"), Source::Download);
        assert_eq!(of(">=3.10, <3.12"), Source::Download);
        assert_eq!(of(">=3.10,<4"), Source::Image);
        assert_eq!(of("==3.12.*"), Source::Image);
        assert_eq!(of("==3.11.*"), Source::Download);
        assert_eq!(of("~=3.12.0"), Source::Image);
        assert_eq!(of("~=3.11"), Source::Image);
        assert_eq!(of("~=3.11.2"), Source::Download);
        assert_eq!(compare("3.12", None), Source::Unsure);
        assert_eq!(compare(">=3.11", Some(&[3])), Source::Image);
        assert_eq!(compare("3.13", Some(&[3])), Source::Unsure);
    }
}
