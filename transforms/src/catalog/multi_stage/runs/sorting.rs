//! The pieces of a RUN's script, each looked at command by command: what the builder does, and what the runtime stage does
//! too.

use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Packages, Store};
use crate::model::paths;
use crate::span::Span;
use crate::syntax::shell::Item;
use crate::transform::Refusal;

use super::super::plan::{Recipe, in_builder, is_brought_again, is_build_setting, is_carried, mentions};
use super::super::survey::{Survey, Unit, refuse};
use super::super::whole::{option_folder, shown};
use super::super::{globals, helpers, stores};

use super::Kept;
use super::copied::{
    copy_over, in_root_copy, in_system, is_compiler, is_owned, is_update, leftovers, link_in_place, links_from,
    made_here, names_build_tool, only_for_the_build,
};
use super::installs::{assigned, taken_away, takes_node};
use super::kept::{has_ruby, looks_up};
use super::keys::{hands_on, receives_key};
use super::local::{added_archive, built_packages, computed, made_archive};
use super::repeated::{
    fed, feeds, for_the_program, moved_to_archives, nameless, repeats, scratches, sets_aside, sets_up_keys,
};
use super::text::{at_home, chunk_text, compound, left_running, loose};

/// The refusal where a line installs a package of the build's own.
pub(in crate::catalog::multi_stage) fn installs_made(line: u32, package: &str) -> Refusal {
    let text = format!("line {line} installs {package}, which the build makes, into the shipped image");
    refuse("entangled", text, false)
}

/// A RUN whose script is being sorted, and what came of it so far.
pub(super) struct Sorting<'r, 'm, 'a> {
    pub(super) survey: &'r Survey<'m, 'a>,
    pub(super) recipe: &'r mut Recipe,
    pub(super) unit: &'r Unit<'m>,
    pub(super) items: &'r [Item<'m>],
    /// Commands of which nobody knows what they do.
    unknown: &'r mut Vec<String>,
    /// Whether the script ends at the first command that fails.
    strict: bool,
    /// The packages that the instruction takes away again.
    gone: Vec<String>,
    /// What the runtime stage runs where the instruction stands.
    pub(super) kept: Vec<Kept>,
    /// What it runs behind the copies.
    pub(super) after: Vec<String>,
    /// What the commands behind the copies write.
    pub(super) behind: Vec<String>,
    pub(super) reasons: Vec<String>,
    /// Whether anything is left out or written in another way, so that the instruction can't go along as it is.
    pub(super) work: bool,
    /// Whether the instruction fetches the lists of packages.
    pub(super) updates: bool,
    /// Whether the builder stands on what the runtime stage has.
    pub(super) both: bool,
    /// What takes the lists of packages away.
    pub(super) lists: Option<String>,
}

/// A piece of the script that can't be taken apart, and what its commands ask for.
#[derive(Default)]
pub(super) struct Piece<'r> {
    pub(super) steps: &'r [Step],
    /// Whether it is more than one plain command.
    pub(super) whole: bool,
    /// Whether the runtime stage has it.
    pub(super) keep: bool,
    /// Whether some of it is work for the build.
    pub(super) builds: bool,
    /// Whether it comes behind the copies.
    pub(super) late: bool,
    /// Installs inside it that the runtime stage has with fewer packages.
    pub(super) fewer: Vec<(Span, String)>,
}

impl Piece<'_> {
    /// Whether no other command of the piece stands at the same place.
    pub(super) fn apart(&self, step: &Step) -> bool {
        self.steps.iter().filter(|other| other.span == step.span).count() == 1
    }

    fn keep(&mut self, late: bool) {
        self.keep = true;
        self.late |= late;
    }
}

impl<'r, 'm, 'a> Sorting<'r, 'm, 'a> {
    pub(super) fn new(
        survey: &'r Survey<'m, 'a>,
        recipe: &'r mut Recipe,
        unit: &'r Unit<'m>,
        items: &'r [Item<'m>],
        unknown: &'r mut Vec<String>,
    ) -> Self {
        let strict = unit.steps.iter().any(|step| {
            step.program() == "set"
                && step.args().iter().any(|arg| arg.starts_with('-') && arg.contains('e') || arg == "errexit")
        });
        Self {
            survey,
            recipe,
            unit,
            items,
            unknown,
            strict,
            gone: taken_away(survey, unit, None),
            kept: Vec::new(),
            after: Vec::new(),
            behind: Vec::new(),
            reasons: Vec::new(),
            work: false,
            updates: false,
            both: false,
            lists: None,
        }
    }

    /// Sorts a piece: asks each of its commands, then puts it where it belongs.
    pub(super) fn piece(&mut self, steps: &'r [Step]) -> Result<(), Refusal> {
        // What is left running ends with the build: `Xvfb :99 &`.
        if left_running(self.items, steps) {
            self.work = true;
            return Ok(());
        }
        let whole = steps.len() > 1 || compound(self.items, steps);
        let mut piece = Piece { steps, whole, ..Piece::default() };
        for step in steps {
            self.step(&mut piece, step)?;
        }
        self.work |= piece.builds;
        if piece.keep { self.place(piece) } else { Ok(()) }
    }

    /// The text of a piece as the runtime stage has it.
    pub(super) fn text(&self, piece: &Piece<'_>) -> String {
        at_home(self.survey, self.unit, chunk_text(self.survey, self.unit, self.items, piece.steps, &[]))
    }

    /// Whether what follows a piece runs even where it fails.
    pub(super) fn loose(&self, piece: &Piece<'_>) -> bool {
        loose(self.items, piece.steps, self.strict)
    }

    pub(super) fn because(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// The line that the instruction begins in.
    pub(super) fn line(&self) -> u32 {
        self.unit.instruction.lines.0
    }

    fn step(&mut self, piece: &mut Piece<'_>, step: &Step) -> Result<(), Refusal> {
        let (survey, unit) = (self.survey, self.unit);
        let effect = effects::of(step);
        if let Effect::Install(packages) = effect {
            self.not_computed(packages)?;
        }
        if !piece.whole
            && let Some(files) = built_packages(survey, self.recipe, unit, step, effect)
        {
            self.install_files(piece, step, &files);
            return Ok(());
        }
        match effect {
            Effect::Install(packages) => self.install(piece, step, packages)?,
            Effect::Lists if is_update(step) => self.updates = true,
            Effect::Lists => self.lists = Some(self.text(piece)),
            // A key that is handed to the package manager has to be fetched first.
            Effect::Nothing if receives_key(step) && hands_on(survey, unit, step) => {
                piece.keep |= self.recipe.repositories;
                self.both |= self.recipe.repositories;
            }
            // A package that the file makes is not to be brought up to date by the archive's.
            Effect::Nothing if step.program() == "apt-mark" && step.subcommand() == Some("hold") => {
                piece.keep = step.operands().skip(1).all(|name| self.is_installed(name));
            }
            Effect::Remove(_) | Effect::Nothing => {}
            // The builder is new each time; what is shipped was brought up to date.
            Effect::Upgrade => {
                piece.keep = true;
                self.because("the packages of the shipped image were brought up to date");
            }
            Effect::Repository => self.repository(piece, step)?,
            Effect::User => {
                piece.keep = true;
                self.because("the shipped image has the user");
            }
            Effect::Configure => self.configure(piece, step),
            Effect::Files(touched) => self.files(piece, step, touched),
            Effect::Writes(written) => self.writes(piece, step, written)?,
            Effect::Home(_) | Effect::Build if survey.downloads(step).is_some() => {
                piece.keep(true);
                self.because("what it downloads lies in the home folder, and the program looks for it there");
            }
            Effect::Store(Store::Modules) if self.recipe.globals => self.modules(piece, step),
            Effect::Build | Effect::Fetch(_) | Effect::Store(_) | Effect::Home(_) => piece.builds = true,
            Effect::Unknown => self.unknown(piece, step)?,
        }
        Ok(())
    }

    /// Whether a package is there that the file installs or makes.
    fn is_installed(&self, name: &str) -> bool {
        self.recipe.installed.iter().any(|installed| installed == name)
            || self
                .recipe
                .carried
                .iter()
                .any(|carried| carried.to.ends_with(".deb") && paths::name(&carried.to).starts_with(name))
    }

    /// Another archive of packages.
    fn repository(&mut self, piece: &mut Piece<'_>, step: &Step) -> Result<(), Refusal> {
        let (survey, unit) = (self.survey, self.unit);
        if let Some(made) = made_archive(survey, unit, step) {
            return Err(self.installs_made(&made));
        }
        let for_build = helpers::is_node_archive(unit, step) && helpers::bundles(survey, self.recipe)
            || only_for_the_build(survey, unit, step);
        if for_build {
            piece.builds = true;
            return Ok(());
        }
        piece.keep |= self.recipe.repositories || nameless(step);
        // A package of libraries, of which the name says nothing, may be what is compiled against.
        self.both |= step.program() == "dpkg";
        self.because("the packages of the shipped image may come from there");
        Ok(())
    }

    /// The refusal where a package of the build's own is installed.
    pub(super) fn installs_made(&self, package: &str) -> Refusal {
        installs_made(self.line(), package)
    }

    /// What sets up the system.
    fn configure(&mut self, piece: &mut Piece<'_>, step: &Step) {
        if names_build_tool(step) {
            piece.builds = true;
        // What is linked anew in the middle of a build is so again where its result is.
        } else if piece.whole && step.program() == "ldconfig" {
            piece.builds = true;
            if !self.recipe.carried.is_empty() {
                self.recipe.finish.push("ldconfig".into());
            }
        // A Ruby that the file brings itself is copied as it is then.
        } else if step.program() == "gem" && !has_ruby(self.survey) {
            piece.builds = true;
        } else {
            let reads_copies = matches!(step.program(), "ldconfig" | "fc-cache" | "update-ca-certificates");
            piece.keep(reads_copies && !self.recipe.carried.is_empty());
            self.because(format!("`{}` sets up the system", step.program()));
        }
    }

    /// Folders, links, owners, and what is taken away.
    fn files(&mut self, piece: &mut Piece<'_>, step: &Step, touched: &[String]) {
        let (survey, unit, program) = (self.survey, self.unit, step.program());
        // `ln -s /usr/bin/gcc-9 /usr/bin/gcc`: the compiler stays behind.
        if matches!(program, "ln" | "rm") && touched.iter().all(|path| is_compiler(path)) {
            piece.builds = true;
        // A link from a known place: what it points to is the system's.
        } else if !step.known && links_from(self.recipe, step) {
            piece.keep(!self.recipe.carried.is_empty());
            self.because("`ln` makes a link outside the build folders");
        // `cd /lib/systemd/system/… && rm -f $name`: the runtime stage has the files of the system as well.
        } else if !step.known && program == "rm" && in_system(self.recipe, step) {
            piece.keep = true;
            self.because("`rm` works outside the build folders");
        } else if !step.known {
            piece.builds = true;
            let inside =
                step.cwd.as_ref().is_some_and(|cwd| cwd != "/" && in_builder(&self.recipe.builder_folders, cwd));
            if !inside {
                self.note(piece);
            }
        } else if program == "rm" && touched.iter().any(|path| fed(survey, self.recipe, unit, path)) {
            piece.keep = true;
        } else if program == "mkdir"
            && touched.iter().all(|path| !scratches(self.recipe, path) && for_the_program(survey, self.recipe, path))
        {
            // The folder that it lies in comes with the copies, so it is made behind them.
            self.recipe.finish.push(format!("mkdir -p {}", touched.join(" ")));
            piece.builds = true;
        // What is changed of it is undone where the file is brought once more.
        } else if matches!(program, "chmod" | "chown" | "chgrp")
            && !touched.is_empty()
            && touched.iter().all(|path| is_brought_again(survey, self.recipe, path))
        {
            piece.builds = true;
        } else if self.touches_shipped(step, touched) {
            piece.keep = true;
            self.because(format!("`{program}` works outside the build folders"));
        // What is taken away need not be there: a piece that is kept for other commands may say so.
        } else if piece.whole && program == "rm" {
            self.work = true;
        } else {
            piece.builds = true;
        }
    }

    /// Whether a command works on files that the runtime stage has by itself, and so has to run there.
    fn touches_shipped(&self, step: &Step, touched: &[String]) -> bool {
        let (survey, unit, recipe) = (self.survey, self.unit, &*self.recipe);
        let carried = |path: &str| recipe.carried.iter().any(|carried| paths::within(path, &carried.to));
        match step.program() {
            "ln" => {
                // Of a link's two ends only the link is made.
                let made = if let [_, link] = touched { std::slice::from_ref(link) } else { touched };
                // A link into what stays behind would point nowhere.
                let dangles = touched
                    .first()
                    .is_some_and(|source| in_builder(&recipe.builder_folders, source) && !carried(source));
                // A link in a folder that is copied comes along.
                let brought = step.args().last().and_then(|link| step.path(link)).is_some_and(|link| {
                    recipe.carried.iter().any(|carried| {
                        carried.from == carried.to
                            && (paths::within(&link, &carried.to) || paths::within(&carried.to, &link))
                    })
                });
                self.any_outside(made) && !dangles && !brought && !is_owned(survey, recipe, step, touched)
            }
            "rm" => {
                // What is taken away in the builder's folders is taken away there.
                let others: Vec<String> = touched.iter().filter(|path| self.outside(path)).cloned().collect();
                // What a COPY into the root folder brings, it brings to the runtime stage as well.
                let again = !recipe.sources_stay && in_root_copy(survey, unit, &others);
                // `rm -rf /var/www/html && ln -s /srv/site/public /var/www/html`: in a folder that is there, the link would lie.
                let replaced = link_in_place(unit, step).is_some();
                let gone =
                    !again && !replaced && (made_here(survey, unit, &others, !recipe.smaller) || leftovers(unit, step));
                self.any_outside(touched) && !gone && !is_owned(survey, recipe, step, touched)
            }
            "mkdir" => {
                // A folder for sources, of which nothing goes along.
                let sources = touched.iter().all(|path| {
                    ["/usr/local/src", "/usr/src", "/go/src"].iter().any(|folder| paths::within(path, folder))
                        && !carried(path)
                        && !recipe.carried.iter().any(|carried| paths::within(&carried.to, path))
                });
                let outside =
                    self.any_outside(touched) || touched.iter().any(|path| for_the_program(survey, recipe, path));
                // The build takes it away again.
                let removed = survey.removed(recipe.last_build);
                let gone = touched.iter().all(|path| removed.iter().any(|removed| paths::covers(removed, path)));
                self.is_empty(touched) || outside && !sources && !gone && !is_owned(survey, recipe, step, touched)
            }
            "chown" | "chgrp" | "chmod" if self.is_empty(touched) => true,
            _ => self.any_outside(touched) && !is_owned(survey, recipe, step, touched),
        }
    }

    /// Whether one of the folders is where the shipped image works, of which nothing is copied, and which is given away or
    /// opened: `mkdir /usr/src/app && chown node /usr/src/app`.
    fn is_empty(&self, folders: &[String]) -> bool {
        let home = self.survey.model.final_workdir(self.survey.stage).filter(|home| *home != "/");
        let Some(home) = home.filter(|home| folders.iter().any(|path| path == home)) else { return false };
        let gives = |step: &Step| {
            let names = |paths: &[String]| paths.iter().any(|path| path == home);
            matches!(step.program(), "chown" | "chgrp" | "chmod")
                && matches!(effects::of(step), Effect::Files(paths) if names(paths))
        };
        let mut copied = self.recipe.carried.iter().map(|carried| carried.to.as_str());
        let last_build = self.recipe.last_build;
        self.survey.steps().take_while(|(at, _)| *at <= last_build).any(|(_, step)| gives(step))
            && !copied.any(|to| paths::within(home, to) || paths::within(to, home))
    }

    fn outside(&self, path: &str) -> bool {
        !in_builder(&self.recipe.builder_folders, path)
    }

    fn any_outside(&self, paths: &[String]) -> bool {
        paths.iter().any(|path| self.outside(path))
    }

    /// What is written, moved or unpacked.
    fn writes(&mut self, piece: &mut Piece<'_>, step: &Step, written: &[String]) -> Result<(), Refusal> {
        let (survey, unit) = (self.survey, self.unit);
        let outside: Vec<String> =
            written.iter().filter(|path| self.outside(path) && !is_build_setting(path)).cloned().collect();
        if unit.steps.iter().any(|other| feeds(survey, self.recipe, unit, step, other)) {
            piece.keep = true;
        } else if sets_aside(survey, step) {
            piece.keep = true;
            self.because(format!("`{}` puts a file of the system's aside", shown(step)));
        } else if written.iter().any(|path| moved_to_archives(survey, path)) || sets_up_keys(unit, step) {
            piece.keep |= self.recipe.repositories;
        } else if !outside.is_empty() && repeats(survey, self.recipe, unit, step) {
            piece.keep = true;
            self.because(format!("`{}` puts files among those of the system", step.program()));
        } else if outside.is_empty() || self.recipe.unpacked.contains(&step.span) {
            piece.builds = true;
        } else if effects::edits(step) {
            // Where these write is asked when the piece is placed, word by word; what they look up is not.
            let plain = matches!(step.program(), "echo" | "printf" | "sed") && !looks_up(step);
            piece.keep(!plain && self.recipe.carried.iter().any(|carried| mentions(step, &carried.to)));
            self.because(format!("`{}` writes {}", step.program(), outside.join(", ")));
        } else {
            piece.builds = true;
            copy_over(survey, self.recipe, step, outside, unit)?;
        }
        Ok(())
    }

    /// Modules of Node that are installed for everybody, where the runtime stage installs them again.
    fn modules(&mut self, piece: &mut Piece<'_>, step: &Step) {
        let survey = self.survey;
        // Without Node, which is taken away again, nothing starts what is installed for it.
        if takes_node(survey, &self.gone) {
            piece.builds = true;
            return;
        }
        let names = globals::named(survey, self.unit, step);
        // What is copied with others that are needs no second install.
        let names = names.filter(|_| !globals::copied(survey, self.recipe, step));
        match names.and_then(|names| globals::again(survey, self.recipe, step, &names)) {
            Some(text) if !piece.whole => {
                self.because(format!("the shipped image starts what `{text}` installs"));
                self.recipe.programs.extend([step.program().to_owned()]);
                self.work |= text.split(' ').count() < step.argv.len();
                let loose = self.loose(piece);
                self.kept.push(Kept { loose, ..Kept::plain(step.item, assigned(step, text)) });
            }
            Some(_) => piece.keep = true,
            None => piece.builds = true,
        }
    }

    /// A command of which nobody knows what it does.
    fn unknown(&mut self, piece: &mut Piece<'_>, step: &Step) -> Result<(), Refusal> {
        let unplaced = step.cwd.is_none() && matches!(step.kind(), "git" | "unpack" | "download" | "copy");
        if unplaced {
            let text = format!(
                "where `{}` in line {} puts things can't be told: the folder that it works in is given by a variable \
                 that the file doesn't set",
                shown(step),
                self.line()
            );
            return Err(refuse("unknown-path", text, false));
        }
        if step.program().starts_with('$') && !step.program().contains('(') {
            let text = format!(
                "what `{}` in line {} runs can't be told: the variable has no value in the file",
                shown(step),
                self.line()
            );
            return Err(refuse("entangled", text, false));
        }
        if let Some(script) = added_archive(self.survey, step).filter(|_| !helpers::bundles(self.survey, self.recipe)) {
            let text = format!(
                "{script}, which ADD brings and line {} runs, sets up an archive of packages; pipe it into a shell, so that \
                 the shipped image can have it too",
                self.line()
            );
            return Err(refuse("entangled", text, false));
        }
        // What lies among the system's programs is a package's, whatever way it is called.
        let packaged = |program: &String| {
            ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].contains(&paths::parent(program))
                && !self.survey.copied_file(program)
        };
        let script = step
            .argv
            .first()
            .is_some_and(|program| (program.contains('/') && !packaged(program)) || program.ends_with(".sh"))
            || matches!(step.program(), "sh" | "bash" | "ash" | "dash" | "");
        let inside = step.cwd.as_ref().is_some_and(|cwd| in_builder(&self.recipe.builder_folders, cwd));
        // In a pipeline it hands something to the others: to fetch, most likely.
        let piped = piece.steps.len() > 1
            && piece
                .steps
                .iter()
                .any(|other| matches!(other.kind(), "download" | "unpack") || other.program() == "xargs");
        // What it makes in the folder that it is told is copied with that.
        let fills = option_folder(step).is_some_and(|folder| is_carried(self.recipe, &folder));
        if script || inside || piped || fills || self.recipe.toolchain_variables.len() > 1 {
            piece.builds = true;
            if !inside && stores::aws(step).is_none() {
                self.note(piece);
            }
        } else {
            // A program of a package, most likely: it sets something up.
            piece.keep(!self.recipe.carried.is_empty() && self.comes_behind_work(step));
            self.because(format!("`{}` may set up the system", step.program()));
        }
        Ok(())
    }

    /// Whether anything is copied, made or installed before a command; what comes before all that can't need any of it.
    fn comes_behind_work(&self, step: &Step) -> bool {
        self.survey.units.iter().take_while(|other| other.index <= self.unit.index).any(|other| {
            other.copy.is_some()
                || other.steps.iter().any(|other| match effects::of(other) {
                    Effect::Build | Effect::Store(_) | Effect::Fetch(_) | Effect::Writes(_) => true,
                    Effect::Install(_) => other.span.start < step.span.start,
                    _ => false,
                })
        })
    }

    /// Notes a piece of which nobody knows what it does.
    fn note(&mut self, piece: &Piece<'_>) {
        let text = self.text(piece);
        let shown: String = text.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        if !shown.is_empty() && !self.unknown.contains(&shown) {
            self.unknown.push(shown);
        }
    }

    /// Packages that a script computes can't be sorted.
    fn not_computed(&self, packages: &Packages) -> Result<(), Refusal> {
        if packages.names.iter().any(|name| computed(self.unit, name)) {
            let text = format!(
                "the packages of line {} are computed by its own script, so which of them the shipped image needs \
                 can't be told",
                self.line()
            );
            return Err(refuse("entangled", text, false));
        }
        Ok(())
    }
}
