//! Shared libraries and programs that a full language image has, its small counterpart lacks, and modules need.

mod archived;
mod locks;
mod modules;

use crate::knowledge::images::Image;
use crate::knowledge::packages;
use crate::knowledge::releases::{Family, Manager};
use crate::knowledge::sorted::Sorted;
use crate::knowledge::words::Words;
use crate::knowledge::workplaces;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{npm, paths};
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::plan::Carried;
use super::runtime::Runtime;
use super::survey::{Survey, refuse};
use super::{types, wheels, workplace};
use modules::{all_named, hides_crates, modules, named_modules};

/// What modules of the languages need outside their registry.
static MODULES: Sorted = Sorted::new(include_str!("../../../../data/modules.tsv"));

/// What programs need that are downloaded as they are.
static DOWNLOADS: Sorted = Sorted::new(include_str!("../../../../data/downloads.tsv"));

/// Where Mono has the assemblies of its class library. Its slim image installs the package of the runtime, which brings
/// those that it needs itself.
const ASSEMBLIES: [&str; 2] = ["/usr/lib/mono/4.5", "/usr/lib/mono/gac"];

/// What the runtime stage needs for the modules of the program.
#[derive(Default)]
pub(super) struct Wanted {
    /// The packages that it installs.
    pub(super) packages: Vec<String>,
    /// What is copied in place of packages.
    pub(super) carried: Vec<Carried>,
    /// What the builder has to do for that.
    pub(super) build: Option<String>,
    /// What is taken for granted.
    pub(super) assumptions: Vec<String>,
}

/// What the runtime stage needs for the modules of the program, of which the builder, which ends with the unit `last_build`,
/// hands on what is `carried`.
///
/// # Errors
/// Where packages are needed, and the release has them only in the archive.
pub(super) fn wanted(
    survey: &Survey<'_, '_>,
    last_build: usize,
    image: Option<&Image<'_>>,
    runtime: &Runtime,
    carried: &[Carried],
) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::default();
    // The image that the full ones stand on is for C.
    let plain = image.filter(|image| image.name() == "buildpack-deps").map(|_| "c");
    let Some(language) = image.and_then(Image::language).or(plain) else { return Ok(wanted) };
    if language == "mono" {
        wanted.carried.extend(ASSEMBLIES.iter().map(|folder| Carried {
            from: (*folder).to_owned(),
            to: (*folder).to_owned(),
            owner: None,
            evidence: "the slim image has only a few of the assemblies that programs use".into(),
        }));
    }
    if runtime.family != Some(Family::Debian) || MODULES.find(language).is_none() {
        return Ok(wanted);
    }
    let archived = runtime.release.and_then(|release| release.major()).is_some_and(|major| major < 11);
    let installs = survey.steps().any(|(_, step)| matches!(effects::of(step), Effect::Install(_)));
    let project = Project::new(survey, language, archived && !installs);
    let mut developed = project.developed();
    if let Some(image) = image.filter(|_| language == "python") {
        developed.extend(wheels::compiled(survey, image));
        wanted.carried.extend(types::carried(survey, image));
        developed.extend(imported(survey, image));
    }
    let (mut found, unknown) = project.packages(&developed, runtime.release.map(|release| release.name));
    found.extend(downloaded(survey).map(str::to_owned));
    found.sort_unstable();
    found.dedup();
    let collect = || archived::collecting(survey, last_build, carried);
    if let Some(command) = project.can_be_asked(&found).then(collect).flatten() {
        found.retain(|package| !package.starts_with("lib"));
        wanted.build = Some(command);
        wanted.carried.push(archived::collected());
        wanted.assumptions.push(format!("the {language} modules open no shared library but those that they link to"));
    } else if project.listed.is_none() && MODULES.all(language).nth(1).is_some() {
        wanted.assumptions.push(format!(
            "the {language} modules need no other shared libraries of the full image: no list of them is there to read"
        ));
    }
    if project.closed {
        wanted.carried.extend(archived::in_place_of(&mut found, language));
    }
    if let Some(package) = unknown {
        let text = format!(
            "the runtime stage may need the libraries of {package}, and what those are called in this release is not \
             known; take a newer base image"
        );
        return Err(refuse("archived-release", text, true));
    }
    if project.closed && !found.is_empty() {
        let text = format!(
            "the runtime stage may need {}, and the packages of this release are only in the archive; \
             take a newer base image",
            found.join(", ")
        );
        return Err(refuse("archived-release", text, true));
    }
    wanted.packages = found;
    Ok(wanted)
}

/// Whether a project in a language names a module that needs this package; `None` where its modules are not all there to
/// read.
pub(super) fn asks_for(survey: &Survey<'_, '_>, language: &str, package: &str) -> Option<bool> {
    let listed = modules(survey, language)?;
    if language == "rust" && hides_crates(survey) {
        return None;
    }
    let needs = |columns: &str| columns.split(' ').any(|name| name == package);
    Some(MODULES.all(language).any(|row| needs(row.column(1)) && listed.iter().any(|name| name == row.column(0))))
}

/// What a stage says of the modules of its program.
struct Project<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    language: &'s str,
    /// The names of those that it asks for; `None` where no list of them is there to read.
    listed: Option<Vec<String>>,
    /// Those that the command lines name: they are needed, whatever else may be.
    named: Vec<String>,
    /// Whether the packages of the release are only in the archive, and the file installs none.
    closed: bool,
}

impl<'s, 'm, 'a> Project<'s, 'm, 'a> {
    fn new(survey: &'s Survey<'m, 'a>, language: &'s str, closed: bool) -> Self {
        let listed = modules(survey, language).or_else(|| if closed { None } else { all_named(survey, language) });
        let named = if listed.is_none() { named_modules(survey).collect() } else { Vec::new() };
        Self { survey, language, listed, named, closed }
    }

    /// The packages that the modules with this key in the list of what modules need are developed with.
    fn of(&self, key: &str) -> impl Iterator<Item = &'static str> {
        let row = MODULES.all(self.language).find(|row| row.column(0) == key);
        row.into_iter().flat_map(|row| row.column(1).split(' '))
    }

    /// Those of all modules whose name says so.
    fn of_those(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = &'static str> {
        let rows = MODULES.all(self.language).filter(move |row| wanted(row.column(0)));
        rows.flat_map(|row| row.column(1).split(' '))
    }

    /// The packages that a module is developed with which a command line names.
    fn certain(&self) -> impl Iterator<Item = &'static str> {
        self.of_those(|module| self.named.iter().any(|name| name == module))
    }

    /// The packages that the modules are developed with: those of libraries, `libpq-dev`, and of programs, `git`.
    fn developed(&self) -> Vec<&'static str> {
        let &Self { survey, language, .. } = self;
        // What every program of the compiler needs, whatever its modules.
        let mut found: Vec<&str> = self.of("+").collect();
        if let Some(modules) = &self.listed {
            found.extend(self.of_those(|name| modules.iter().any(|module| module == name)));
            if language == "rust" && !self.closed && hides_crates(survey) {
                found.extend(self.of("*"));
            }
            return found;
        }
        found.extend(self.of("*").filter(|name| !name.is_empty()));
        found.extend(self.certain());
        if language == "c" {
            // What is compiled says by its name what it links to.
            let compiled = survey.steps().filter_map(|(_, step)| workplace::named(step));
            let compiled: Vec<String> = compiled.map(|name| name.to_ascii_lowercase()).collect();
            found.extend(self.of_those(|module| compiled.iter().any(|name| name == module)));
        }
        // OpenCV is what asks Python's programs for OpenGL, and its wheels ask for more.
        if language == "python"
            && ["libgl1", "libgl1-mesa-glx", "libgl1-mesa-dev"].iter().any(|name| survey.installs(name))
        {
            found.extend(self.of("opencv-python"));
        }
        found
    }

    /// The packages of a release that hold what is used of those that programs are `developed` with, and one of these of which
    /// that is not known, and has to be.
    fn packages(&self, developed: &[&'static str], release: Option<&str>) -> (Vec<String>, Option<&'static str>) {
        let certain: Vec<&str> = self.certain().collect();
        let mut found: Vec<String> = Vec::new();
        let mut unknown = None;
        for &name in developed {
            let library = name.ends_with("-dev");
            match packages::libraries(Manager::Apt, release, name) {
                // What only may be needed is no reason to leave an old release as it is.
                Some(_) if library && self.listed.is_none() && self.closed && !certain.contains(&name) => {}
                Some(libraries) => found.extend(libraries),
                // A program that is compiled there links to what it finds.
                None if library && self.language == "c" => unknown = Some(name),
                None if library && self.listed.is_none() => {}
                None => found.push(name.to_owned()),
            }
        }
        (found, unknown)
    }

    /// Whether the loader is to be asked for the libraries, in place of the packages that were `found`: these can't be
    /// installed, and no module opens a library by its name.
    fn can_be_asked(&self, found: &[String]) -> bool {
        let opens = |module: &String| Words::ModulesThatOpen.has(module);
        self.closed
            && matches!(self.language, "python" | "ruby")
            && (self.listed.is_none() || found.iter().any(|package| package.starts_with("lib")))
            && !self.listed.iter().flatten().chain(&self.named).any(opens)
    }
}

/// The packages of what modules of Python itself need that the sources import as they start: the small image has the
/// modules of Tk without its libraries, and a line that an editor wrote on its own is enough to ask for it.
fn imported(survey: &Survey<'_, '_>, image: &Image<'_>) -> Vec<&'static str> {
    let Some(context) = survey.model.context.filter(|_| image.name() == "python") else { return Vec::new() };
    let sources = context.files().iter().filter(|file| file.ends_with(".py")).filter_map(|file| context.read(file));
    let mut found = Vec::new();
    for text in sources {
        let text = crate::context::text(&text);
        let lines = text.lines().filter_map(|line| line.strip_prefix("import ").or_else(|| line.strip_prefix("from ")));
        let names = lines.flat_map(|rest| rest.split(" import ").next().unwrap_or_default().split(','));
        for name in names.filter_map(|name| name.trim().split([' ', '.', '#']).next()) {
            let rows = MODULES.all("import").filter(|row| row.column(0) == name);
            found.extend(rows.flat_map(|row| row.column(1).split(' ')));
        }
    }
    found
}

/// The packages of the shared libraries that programs look for which the file downloads, or has npm download.
fn downloaded(survey: &Survey<'_, '_>) -> impl Iterator<Item = &'static str> {
    let rows = DOWNLOADS.rows().filter(|row| {
        survey.units.iter().filter(|unit| matches!(unit.instruction.keyword, Keyword::Run | Keyword::Add)).any(|unit| {
            let packaged = |step: &Step| {
                matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| name.contains(row.key)))
            };
            let text = unit.instruction.args.text.as_ref();
            text.contains(row.key) && !text.contains(".deb") && !unit.steps.iter().any(packaged)
        })
    });
    rows.flat_map(|row| row.rest.split(' '))
}

/// The packages of the programs that what starts starts itself, also by a script of `package.json`: Danger asks `git`.
pub(super) fn behind(survey: &Survey<'_, '_>) -> Vec<&'static str> {
    let index = survey.entry.cmd.or(survey.entry.entrypoint).unwrap_or(survey.stage.from);
    let read = |path: &str| survey.model.context?.read(&survey.context_path(path)?);
    let scripts = |step: &Step| npm::behind(survey.model, index, step, &read);
    let started: Vec<Step> = survey.entry.steps.iter().flat_map(scripts).collect();
    let words = survey.entry.steps.iter().chain(&started).flat_map(|step| &step.argv);
    let rows = words.flat_map(|word| MODULES.all("program").filter(move |row| row.column(0) == word));
    let mut found: Vec<&str> = rows.flat_map(|row| row.column(1).split(' ')).collect();
    // Mix looks after the dependencies that it took from Git whenever it starts something.
    let locks = |file: &&String| paths::name(file) == "mix.lock";
    let fetched = |file: &String| {
        let text = survey.model.context.and_then(|context| context.read(file));
        text.is_some_and(|text| memchr::memmem::find(&text, b"{:git,").is_some())
    };
    if survey.entry.steps.iter().any(|step| step.program() == "mix")
        && survey.model.context.is_some_and(|context| context.files().iter().filter(locks).any(fetched))
    {
        found.push("git");
    }
    found
}

/// A module of Python that the project asks for, and that compiles when it is used.
pub(super) fn compiled_at_start(survey: &Survey<'_, '_>) -> Option<String> {
    modules(survey, "python")?.into_iter().find(|module| workplaces::compiles(module))
}

/// Whether a module of the project starts a program of this package: GitPython does `git`.
pub(super) fn needs(survey: &Survey<'_, '_>, package: &str) -> bool {
    if behind(survey).contains(&package) {
        return true;
    }
    let language = survey.model.known(survey.stage).and_then(|image| image.language());
    let Some(language) = language.filter(|language| MODULES.find(language).is_some()) else { return false };
    let mut rows = MODULES.all(language).filter(|row| row.column(1).split(' ').any(|name| name == package)).peekable();
    if rows.peek().is_none() {
        return false;
    }
    // Where no list of them is there to read, a small program that the file asks for is there for one; git is there for who
    // installs as often.
    let Some(modules) = modules(survey, language) else {
        return package != "git" && rows.any(|row| row.column(0) != "*");
    };
    rows.any(|row| row.column(0) != "*" && modules.iter().any(|module| module == row.column(0)))
}
