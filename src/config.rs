//! Settings: `dockwright.toml` found upwards from a Dockerfile, and the command line, which wins.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use dockwright_transforms::settings::{Settings, UserStyle};
use dockwright_transforms::{Applicability, Transform, catalog};
use serde::Deserialize;
use toml::Spanned;

use crate::cli::{ChoiceArgs, CommitStyle, Group, Style};
use crate::input;

/// The file's name.
pub(crate) const FILE: &str = "dockwright.toml";

/// What holds for one Dockerfile.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The transforms to use, in catalogue order.
    pub(crate) transforms: Vec<&'static Transform>,
    /// The least sure fix that may be applied.
    pub(crate) threshold: Applicability,
    /// What transforms read.
    pub(crate) settings: Settings,
}

/// The keys of `dockwright.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    only: Option<Vec<Spanned<String>>>,
    skip: Option<Vec<Spanned<String>>>,
    safe: Option<bool>,
    #[serde(default)]
    multi_stage: MultiStageTable,
    #[serde(default)]
    non_root: NonRootTable,
    pr: Option<Spanned<PrTable>>,
}

/// The keys of the table `[multi-stage]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct MultiStageTable {
    runtime_base: Option<Spanned<String>>,
    stage_name: Option<Spanned<String>>,
}

/// The keys of the table `[non-root]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct NonRootTable {
    user: Option<Spanned<String>>,
    group: Option<Spanned<String>>,
    uid: Option<Spanned<u32>>,
    gid: Option<Spanned<u32>>,
    style: Option<Style>,
}

/// The keys of the table `[pr]`, which holds for a whole repository.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct PrTable {
    pub(crate) enabled: Option<bool>,
    pub(crate) group_by: Option<Group>,
    pub(crate) base: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) labels: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) reviewers: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) assignees: Vec<Spanned<String>>,
    pub(crate) draft: Option<bool>,
    pub(crate) limit: Option<NonZeroUsize>,
    pub(crate) commit_style: Option<CommitStyle>,
    pub(crate) signoff: Option<bool>,
    pub(crate) author: Option<Spanned<String>>,
}

/// A name that a site knows something by: a label, a person, a branch.
pub(crate) fn name(text: &str) -> Result<String, String> {
    match text.trim().is_empty() || text.len() > 200 || text.contains(char::is_control) {
        true => Err("a name is not empty, is on one line and has up to 200 bytes".into()),
        false => Ok(text.to_owned()),
    }
}

/// Who commits: `Name <address>`.
pub(crate) fn author(text: &str) -> Result<String, String> {
    let parts = text.strip_suffix('>').and_then(|rest| rest.split_once(" <"));
    let plain = |part: &str| !part.trim().is_empty() && !part.contains(['<', '>']) && !part.contains(char::is_control);
    match parts.is_some_and(|(name, address)| plain(name) && plain(address) && !address.contains(' ')) {
        true => Ok(text.to_owned()),
        false => Err("who commits is written `Name <address>`".into()),
    }
}

/// The table `[pr]` of the text of a settings file; the other keys are looked at too.
///
/// # Errors
/// One line: the line number and what is wrong there.
pub(crate) fn pr(text: &str) -> Result<PrTable, String> {
    Ok(Table::parse(text)?.pr.map(Spanned::into_inner).unwrap_or_default())
}

/// An image reference: not empty, no white space, and not the name of a family of images, none of which is called so.
pub(crate) fn image(text: &str) -> Result<String, String> {
    match text {
        "distroless" => Err("`distroless` is no image; name one, such as gcr.io/distroless/base-debian12".into()),
        _ if text.is_empty() || text.contains(char::is_whitespace) => {
            Err("an image reference has no white space and is not empty".into())
        }
        _ => Ok(text.to_owned()),
    }
}

/// A stage name as BuildKit takes it: a lower-case letter, then letters, digits, `-`, `_`, `.`.
pub(crate) fn stage_name(text: &str) -> Result<String, String> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte));
    match first && rest {
        true => Ok(text.to_owned()),
        false => Err("a stage name is a lower-case letter, then lower-case letters, digits, `-`, `_`, `.`".into()),
    }
}

/// A user's or group's name as every distribution's tools take it; `root` is not one to switch to.
pub(crate) fn account(text: &str) -> Result<String, String> {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let rest = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    match first && rest && text.len() <= 32 && text != "root" {
        true => Ok(text.to_owned()),
        false => Err("a name is a lower-case letter or `_`, then up to 31 lower-case letters, digits, `-`, `_`; \
                      and not `root`"
            .into()),
    }
}

/// A user's or group's id: not 0, which is root, and not the two that the kernel keeps for itself.
pub(crate) fn id(text: &str) -> Result<u32, String> {
    let id = text.parse::<u32>().map_err(|error| error.to_string())?;
    valid_id(id).map(|()| id)
}

fn valid_id(id: u32) -> Result<(), String> {
    match id == 0 || id >= u32::MAX - 1 {
        true => Err("an id is a number from 1 (0 is root) to 4294967293".into()),
        false => Ok(()),
    }
}

/// Reads the text of a setting, or says what is wrong with it.
type Check = fn(&str) -> Result<String, String>;

impl Table {
    /// Reads `text`.
    ///
    /// # Errors
    /// One line: the line number and what is wrong there.
    fn parse(text: &str) -> Result<Self, String> {
        let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        let table: Table = toml::from_str(text).map_err(|error| {
            let message = error.message().trim().replace('\n', " ");
            match error.span() {
                Some(span) => format!("{}: {message}", line(span.start)),
                None => format!("1: {message}"),
            }
        })?;
        let known = |id: &Spanned<String>| match catalog::ALL.iter().any(|known| known.id == id.get_ref()) {
            true => Ok(()),
            false => Err(format!(
                "{}: `{}` is no transform; `dockwright list` prints those there are",
                line(id.span().start),
                id.get_ref()
            )),
        };
        table.only.iter().chain(&table.skip).flatten().try_for_each(known)?;
        let checks: [(&Option<Spanned<String>>, Check); 4] = [
            (&table.multi_stage.runtime_base, image),
            (&table.multi_stage.stage_name, stage_name),
            (&table.non_root.user, account),
            (&table.non_root.group, account),
        ];
        for (value, check) in checks {
            if let Some(value) = value {
                check(value.get_ref()).map_err(|error| format!("{}: {error}", line(value.span().start)))?;
            }
        }
        for value in [&table.non_root.uid, &table.non_root.gid].into_iter().flatten() {
            valid_id(*value.get_ref()).map_err(|error| format!("{}: {error}", line(value.span().start)))?;
        }
        if let Some(pr) = table.pr.as_ref().map(Spanned::get_ref) {
            let names = pr.labels.iter().chain(&pr.reviewers).chain(&pr.assignees).chain(&pr.base);
            let checks =
                names.map(|value| (value, name as Check)).chain(pr.author.iter().map(|one| (one, author as Check)));
            for (value, check) in checks {
                check(value.get_ref()).map_err(|error| format!("{}: {error}", line(value.span().start)))?;
            }
        }
        Ok(table)
    }

    /// The choice that this table and the command line make together.
    fn choice(self, args: &ChoiceArgs) -> Choice {
        let names = |typed: &[String], written: Option<Vec<Spanned<String>>>| -> Vec<String> {
            match typed.is_empty() {
                true => written.unwrap_or_default().into_iter().map(Spanned::into_inner).collect(),
                false => typed.to_vec(),
            }
        };
        let (only, skip) = (names(&args.only, self.only), names(&args.skip, self.skip));
        let wanted = |transform: &&&'static Transform| {
            (only.is_empty() || only.iter().any(|id| id == transform.id)) && !skip.iter().any(|id| id == transform.id)
        };
        let typed = &args.settings;
        let (multi_stage, non_root) = (self.multi_stage, self.non_root);
        let text = |typed: &Option<String>, written: Option<Spanned<String>>, default: String| {
            typed.clone().or(written.map(Spanned::into_inner)).unwrap_or(default)
        };
        let default = Settings::default();
        let style = typed.user_style.or(non_root.style).map(|style| match style {
            Style::Name => UserStyle::Name,
            Style::Numeric => UserStyle::Numeric,
        });
        Choice {
            transforms: catalog::ALL.iter().filter(wanted).copied().collect(),
            threshold: match args.safe || self.safe.unwrap_or(false) {
                true => Applicability::Safe,
                false => Applicability::Review,
            },
            settings: Settings {
                runtime_base: typed.runtime_base.clone().or(multi_stage.runtime_base.map(Spanned::into_inner)),
                stage_name: text(&typed.stage_name, multi_stage.stage_name, default.stage_name),
                user: text(&typed.user, non_root.user, default.user),
                group: text(&typed.group, non_root.group, default.group),
                uid: typed.uid.or(non_root.uid.map(Spanned::into_inner)),
                gid: typed.gid.or(non_root.gid.map(Spanned::into_inner)),
                user_style: style.unwrap_or(default.user_style),
                explain: false,
                file: None,
                starts: Vec::new(),
                namesake: None,
                bases: Vec::new(),
            },
        }
    }
}

/// One choice, or the error line of the file that it was to come from.
type Found = Result<Arc<Choice>, String>;

/// The choices, by folder: each `dockwright.toml` is looked for and read once.
pub(crate) struct Configs<'a> {
    args: &'a ChoiceArgs,
    default: Arc<Choice>,
    folders: RwLock<HashMap<PathBuf, Found>>,
}

impl<'a> Configs<'a> {
    /// Nothing is looked for yet.
    pub(crate) fn new(args: &'a ChoiceArgs) -> Self {
        let default = Arc::new(Table::default().choice(args));
        Self { args, default, folders: RwLock::default() }
    }

    /// What holds for a Dockerfile in `folder`: the nearest `dockwright.toml` from there up to the repository's root.
    ///
    /// # Errors
    /// One line that names the settings file and its line.
    pub(crate) fn of(&self, folder: &Path) -> Found {
        let known = |folders: &HashMap<PathBuf, Found>| folders.get(folder).cloned();
        if let Some(found) = known(&self.folders.read().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let found = self.find(folder);
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        folders.insert(folder.to_owned(), found.clone());
        found
    }

    fn find(&self, folder: &Path) -> Found {
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        for ancestor in absolute.ancestors() {
            let path = ancestor.join(FILE);
            match fs::read_to_string(&path) {
                Ok(text) => {
                    let shown = input::shown(&path);
                    return match Table::parse(&text) {
                        // It is about a repository, so one in a folder of it would be passed over in silence.
                        Ok(Table { pr: Some(pr), .. }) if in_repository(ancestor) => {
                            let line = text.bytes().take(pr.span().start).filter(|byte| *byte == b'\n').count() + 1;
                            let shown = shown.display();
                            Err(format!("{shown}:{line}: [pr] holds for the whole repository; move it to its root"))
                        }
                        Ok(table) => Ok(Arc::new(table.choice(self.args))),
                        Err(error) => Err(format!("{}:{error}", shown.display())),
                    };
                }
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => {
                    let shown = input::shown(&path);
                    return Err(format!("{}: can't be read ({error}); mend or remove it", shown.display()));
                }
            }
            if input::is_repository(ancestor) {
                break;
            }
        }
        Ok(Arc::clone(&self.default))
    }
}

/// Whether a folder lies below the root of a repository.
fn in_repository(folder: &Path) -> bool {
    !input::is_repository(folder) && folder.ancestors().skip(1).any(input::is_repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_its_line() {
        for (text, wanted) in [
            ("safe = true\n\nstage-name = \"x\"\n", "3: unknown field `stage-name`"),
            ("safe = true\n\n[multi_stage]\nstage-name = \"x\"\n", "3: unknown field `multi_stage`"),
            ("[multi-stage]\n# the builder\nstage_name = \"x\"\n", "3: unknown field `stage_name`"),
            ("[multi-stage]\nuser = \"x\"\n", "2: unknown field `user`"),
            ("[non-root]\nuid = 10001\n\n\nuser-style = \"name\"\n", "5: unknown field `user-style`"),
            ("safe = true\n[pr]\ndraft = true\nlabel = [\"x\"]\n", "4: unknown field `label`"),
        ] {
            let error = Table::parse(text).unwrap_err();
            assert!(error.starts_with(wanted), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_names_its_line() {
        for (text, line) in [
            ("[non-root]\nuid = 0\n", "2: an id is"),
            ("[non-root]\nuid = -1\n", "2: "),
            ("\n[non-root]\nuser = \"root\"\n", "3: a name is"),
            ("[multi-stage]\n\nruntime-base = \"a b\"\n", "3: an image reference"),
            ("[multi-stage]\nstage-name = \"Build\"\n", "2: a stage name"),
            ("multi-stage = true\n", "1: "),
            ("only = [\n  \"nonsense\",\n]\n", "2: `nonsense` is no transform"),
            ("[non-root]\nstyle = \"loud\"\n", "2: "),
            ("a = \n", "1: "),
            ("[pr]\nlimit = 0\n", "2: "),
            ("[pr]\n\nlabels = [\n\"a\",\n\"b\\n\"]\n", "5: a name"),
            ("[pr]\nauthor = \"nobody\"\n", "2: who commits"),
            ("[pr]\ngroup-by = \"some\"\n", "2: "),
        ] {
            let error = Table::parse(text).unwrap_err();
            assert!(error.starts_with(line) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_key_is_read() {
        let text = "only = []\nskip = []\nsafe = true\n\
                    [multi-stage]\nruntime-base = \"scratch\"\nstage-name = \"build\"\n\
                    [non-root]\nuser = \"web\"\ngroup = \"web\"\nuid = 10001\ngid = 10002\nstyle = \"numeric\"\n\
                    [pr]\nenabled = true\ngroup-by = \"all\"\nbase = \"main\"\nlabels = [\"docker\"]\n\
                    reviewers = [\"a\"]\nassignees = [\"b\"]\ndraft = true\nlimit = 2\n\
                    commit-style = \"conventional\"\nsignoff = true\nauthor = \"A B <a@b.example>\"\n";
        assert!(Table::parse(text).is_ok(), "{:?}", Table::parse(text));
    }

    #[test]
    fn names_and_ids_are_checked() {
        assert!(stage_name("build-1.x_").is_ok() && stage_name("Build").is_err() && stage_name("").is_err());
        assert!(account("_www-data9").is_ok() && account("0x").is_err() && account("a b").is_err());
        assert!(id("1").is_ok() && id("0").is_err() && id("4294967295").is_err());
        assert!(image("a/b:c@sha256:0").is_ok() && image("").is_err() && image("a b").is_err());
        assert!(image("distroless").is_err() && image("gcr.io/distroless/static-debian12").is_ok());
    }
}
