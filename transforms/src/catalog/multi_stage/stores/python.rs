//! Where packages of Python are put.

use crate::knowledge::images::Image;
use crate::knowledge::releases::{self, Family};
use crate::knowledge::sorted::Sorted;
use crate::model::commands::Step;
use crate::model::{paths, uv};
use crate::syntax::words::Value;

use super::super::survey::{Survey, Unit};
use super::homes::{home, made_home, unprivileged};
use super::prefixes::usual;
use super::{Install, compiles, local, manages, minor, programs, system};

/// The Python of a distribution's own packages, by release, and that of images which keep one elsewhere.
static PYTHONS: Sorted = Sorted::new(include_str!("../../../../data/pythons.tsv"));

/// The folders that an installer of packages of Python writes; `None` where they are the distribution's own.
pub(in crate::catalog::multi_stage) fn folders(install: &Install<'_, '_, '_>) -> Option<Vec<String>> {
    let &Install { survey, image, unit, step } = install;
    let language = image.and_then(Image::language).unwrap_or("");
    let family = image.and_then(Image::family);
    let debian = matches!(family, Some(Family::Debian | Family::Ubuntu));
    let elsewhere = told_prefixes(step);
    if !elsewhere.is_empty() {
        return (!elsewhere.iter().any(|path| system(path))).then_some(elsewhere);
    }
    if step.program() == "poetry" && crate::model::virtualenv(survey.model, survey.stage) {
        return Some(vec![paths::join(&home(survey, unit), ".cache/pypoetry/virtualenvs")]);
    }
    match step.program() {
        // These make an environment inside the project, which goes along.
        "pdm" | "rye" => return Some(Vec::new()),
        "hatch" => return Some(vec![paths::join(&home(survey, unit), ".local/share/hatch")]),
        _ => {}
    }
    // Who may not write among Python's own modules gets them into the home.
    if (language == "python" || debian || matches!(family, Some(Family::Alpine)))
        && let Some(user) = unprivileged(survey, unit)
        && !step.span.text(survey.model.file.source).contains("sudo")
    {
        let known = matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_))
            || user.bytes().any(|byte| !byte.is_ascii_digit())
            || made_home(survey, &user).is_some();
        return known.then(|| vec![paths::join(&home(survey, unit), ".local")]);
    }
    if let Some(image) = image.filter(|image| image.name() == "pypy") {
        return Some(vec![if early_pypy(image.tag()) { "/usr/local" } else { "/opt/pypy" }.to_owned()]);
    }
    let own = own_python(image);
    if let Some(folders) = own.filter(|folders| *folders != "-") {
        let minor = image.and_then(|image| minor(image.tag()));
        let named = |folder: &str| Some(folder.replace("{}", folder.find("{}").map_or(Some(""), |_| minor)?));
        return folders.split(' ').map(named).collect();
    }
    if language == "python" && own.is_none() {
        return beside_the_image(install);
    }
    // A Python that the file compiled has a place of its own.
    if !step.program().ends_with('2') && compiles(survey, "python")
        // Debian's own pip installs there, and so do a Python made from source and the images that bring one.
        || debian
        || family.is_none() && !manages(survey, &["apk", "yum"])
        || matches!(family, Some(Family::Fedora))
        // From RHEL 8 on, what root installs goes beside the distribution's own.
        || family == Some(Family::Rhel) && major(image).is_some_and(|major| major >= 8)
    {
        return local();
    }
    let release = image.and_then(Image::release)?;
    let python = PYTHONS.find(release).map(|row| row.rest)?;
    let mut found = vec!["/usr/local".to_owned()];
    // Alpine has the one, the other or both; what is not there can't be copied.
    let second = ["python", "python2", "py-pip", "py2-pip", "python-dev", "python2-dev"]
        .iter()
        .any(|name| survey.installs(name));
    let third =
        step.program().contains('3') || ["python3", "py3-pip", "python3-dev"].iter().any(|name| survey.installs(name));
    let fits = |path: &&str| {
        family != Some(Family::Alpine) || if path.contains("python2") { second } else { third || !second }
    };
    found.extend(python.split(' ').filter(fits).map(str::to_owned));
    found.extend(programs(survey));
    Some(found)
}

/// Where an image of Python has its packages. Of other images the tag says the release of what they are for:
/// `tensorflow:1.12.0`.
fn beside_the_image(install: &Install<'_, '_, '_>) -> Option<Vec<String>> {
    let &Install { survey, image, step, .. } = install;
    let python = image.filter(|image| paths::name(image.name()) == "python");
    let minor = python.and_then(|image| minor(image.tag())).filter(|_| !starts_notebooks(survey));
    let Some(minor) = minor else { return local() };
    let mut found = vec![format!("/usr/local/lib/python{minor}/site-packages"), "/usr/local/bin".to_owned()];
    if notebooks(survey, step) {
        found.push("/usr/local/share/jupyter".to_owned());
    }
    Some(found)
}

/// Where an image that keeps its Python elsewhere than others has it put packages.
fn own_python(image: Option<&Image<'_>>) -> Option<&'static str> {
    PYTHONS.find(image?.name()).map(|row| row.rest)
}

/// The major version of an image's release.
fn major(image: Option<&Image<'_>>) -> Option<u32> {
    releases::release(image.and_then(Image::release)?)?.major()
}

/// Where pip clones what is to be used where it lies: `pip install -e git+https://…`, on the command or in a list that is
/// there to read.
pub(in crate::catalog::multi_stage) fn clones(survey: &Survey<'_, '_>, step: &Step) -> Option<String> {
    let args: Vec<&str> = step.args().iter().map(String::as_str).collect();
    let options = || args.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?)));
    let listed = options().filter(|(option, _)| matches!(*option, "-r" | "--requirement")).any(|(_, list)| {
        let text = step.path(list).and_then(|list| survey.read(&list));
        text.is_some_and(|text| {
            let text = String::from_utf8_lossy(&text);
            text.lines().any(|line| clones_to_edit(&line.split_ascii_whitespace().collect::<Vec<_>>()))
        })
    });
    if !listed && !clones_to_edit(&args) {
        return None;
    }
    let told = options().find(|(option, _)| matches!(*option, "--src" | "--source"));
    step.path(told.map_or("src", |(_, folder)| folder))
}

/// Whether words of pip ask for a repository that is to be used where it is cloned to.
fn clones_to_edit(words: &[&str]) -> bool {
    const SCHEMES: [&str; 5] = ["git+", "git:", "hg+", "svn+", "bzr+"];
    let remote = |word: &str| SCHEMES.iter().any(|scheme| word.trim_start_matches('=').starts_with(scheme));
    let apart = words.windows(2).any(|pair| matches!(pair, ["-e" | "--editable", word] if remote(word)));
    apart || words.iter().any(|word| word.strip_prefix("--editable").or(word.strip_prefix("-e")).is_some_and(remote))
}

/// Whether uv downloads a Python for the environment that a command makes: the image has none and no package brings one, or
/// the project asks for another version. `Unsure` where it has a version that can't be compared.
pub(in crate::catalog::multi_stage) fn brings_python(
    survey: &Survey<'_, '_>,
    image: Option<&Image>,
    unit: &Unit<'_>,
    step: &Step,
) -> uv::Source {
    let makes = step.program() == "uv" && matches!(step.subcommand(), Some("sync" | "venv"));
    let plain = |image: &Image| {
        matches!(image.family(), Some(Family::Debian | Family::Ubuntu | Family::Alpine))
            && matches!(paths::name(image.name()), "alpine" | "debian" | "minideb" | "ubuntu" | "uv")
            && image.language() != Some("python")
    };
    let packaged = || {
        ["python3", "python3-dev", "python3-minimal", "python3-pip", "python3-venv"]
            .iter()
            .any(|name| survey.installs(name))
    };
    let refused = || {
        matches!(survey.model.variable(unit.index, "UV_PYTHON_DOWNLOADS"), Value::Set(_))
            || matches!(survey.model.variable(unit.index, "UV_PYTHON"), Value::Set(_))
    };
    let Some(image) = image.filter(|_| makes) else { return uv::Source::Image };
    if image.language() == Some("python") {
        return uv::source(survey.model, survey.stage, unit.index, step);
    }
    if plain(image) && !packaged() && !refused() { uv::Source::Download } else { uv::Source::Image }
}

/// Whether a command installs what keeps files of its own beside Python's packages, by name or by a list that it is given:
/// the pages and kernels of notebooks.
fn notebooks(survey: &Survey<'_, '_>, step: &Step) -> bool {
    let keeps = |word: &str| {
        let name = word.split(['=', '<', '>', '~', '!', '[', ' ']).next().unwrap_or(word).to_ascii_lowercase();
        let names = ["jupyter", "jupyterlab", "notebook", "ipykernel", "ipykernel.kernelspec", "nbconvert"];
        names.contains(&name.as_str())
    };
    let mut pairs = step.args().windows(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?)));
    step.args().iter().any(|word| keeps(word))
        || pairs.any(|(option, list)| {
            let list = matches!(option.as_str(), "-r" | "--requirement").then(|| step.path(list)).flatten();
            list.and_then(|list| survey.read(&list)).is_some_and(|text| {
                // What a marker stands behind may not be installed.
                String::from_utf8_lossy(&text).lines().any(|line| !line.contains(';') && keeps(line.trim()))
            })
        })
}

/// Whether notebooks are what starts: their pages, settings and extensions lie all over the prefix.
fn starts_notebooks(survey: &Survey<'_, '_>) -> bool {
    survey.entry.steps.iter().any(|step| notebook(step.program()) || step.starts_module(notebook))
}

fn notebook(program: &str) -> bool {
    matches!(program, "jupyter" | "jupyterlab" | "jupyterhub" | "notebook" | "voila") || program.starts_with("jupyter-")
}

/// The folders that an installer of Python's packages is told to install into: by its options, by those that it hands on, or
/// by the settings of a project that is known for it.
fn told_prefixes(step: &Step) -> Vec<String> {
    const OPTIONS: [&str; 6] = ["--prefix", "--target", "--install-lib", "--install-scripts", "--install-data", "-t"];
    let mut found: Vec<String> = Vec::new();
    let mut words = step.args().iter().map(|word| word.strip_prefix("--install-option=").unwrap_or(word));
    while let Some(word) = words.next() {
        let word = word.trim_matches(['"', '\'']);
        let value = match word.split_once('=') {
            Some((option, value)) => OPTIONS.contains(&option).then_some(value),
            None if OPTIONS.contains(&word) => words.next(),
            None => None,
        };
        found.extend(value.and_then(|path| step.path(path)));
    }
    let setup = step.argv.iter().take(3).any(|word| paths::name(word) == "setup.py");
    let project = step.cwd.as_deref().filter(|_| setup && found.is_empty());
    found.extend(project.and_then(usual).map(str::to_owned));
    // One of them may hold the others.
    let all = found.clone();
    found.retain(|path| !all.iter().any(|other| other != path && paths::within(path, other)));
    found.dedup();
    found
}

/// Whether the image of PyPy is one of before 7.3.1, which had its programs and modules in `/usr/local`.
fn early_pypy(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let python = parts.next().unwrap_or_default();
    let mut version = parts.next().unwrap_or_default().split('.').map(|part| part.parse::<u32>().ok());
    let early = match (version.next().flatten(), version.next().flatten(), version.next().flatten()) {
        (Some(first), _, _) if first < 7 => true,
        (Some(7), Some(second), _) if second < 3 => true,
        (Some(7), Some(3), Some(0)) => true,
        _ => false,
    };
    early || matches!(python, "3.2" | "3.5")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pypy_moved_in_the_middle_of_a_release() {
        assert!(["2-6.0.0", "3-5.10", "3.6-7.3.0", "2.7-7.2-slim", "3.5-jessie"].into_iter().all(early_pypy));
        assert!(!["3.10-7.3.17", "2", "3.6-7.3.1", "3-slim", "2-7", "latest"].into_iter().any(early_pypy));
    }
}
