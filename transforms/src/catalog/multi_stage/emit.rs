//! A plan as edits: the builder keeps its lines, the runtime stage is written where the build ends, and what describes
//! the shipped image moves behind it.

use crate::edit::{Edit, EditSet};
use crate::model::Model;
use crate::model::base;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::span::Span;
use crate::surgery::Layout;
use crate::syntax::typed::ImageRef;
use crate::syntax::{Keyword, words};
use crate::transform::{Applicability, Fix};

use super::plan::{Carried, Place, Plan};
use super::survey::{Survey, Unit};
use super::{helpers, runtime, stores};

/// Writes the fix; `None` where two edits would touch the same bytes.
pub(super) fn fix(survey: &Survey<'_, '_>, plan: &Plan) -> Option<Fix> {
    let emitter = Emitter::new(survey, plan)?;
    let edits = EditSet::new(emitter.edits()).ok()?;
    let recipe = &plan.recipe;
    let applicability = if recipe.assumptions.is_empty() { recipe.applicability } else { Applicability::Review };
    Some(Fix {
        title: format!("Build in a stage of its own and ship {}", recipe.runtime.image),
        applicability,
        claim: emitter.claim,
        edits,
        assumptions: recipe.assumptions.clone(),
        tasks: Vec::new(),
        decisions: Vec::new(),
    })
}

struct Emitter<'s, 'm, 'a> {
    survey: &'s Survey<'m, 'a>,
    plan: &'s Plan,
    layout: Layout<'m, 'a>,
    builder: String,
    claim: Span,
}

impl<'s, 'm, 'a> Emitter<'s, 'm, 'a> {
    fn new(survey: &'s Survey<'m, 'a>, plan: &'s Plan) -> Option<Self> {
        let file = survey.model.file;
        let stage = survey.stage;
        let layout = Layout::new(file, stage.from, stage.body.clone());
        let claim = Span { start: layout.tile(stage.from).start, end: file.source.len() as u32 };
        let builder = free_name(survey.model);
        Some(Self { survey, plan, layout, builder, claim })
    }

    fn edits(&self) -> Vec<Edit> {
        let mut edits = Vec::new();
        self.name_builder(&mut edits);
        let placed = self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot);
        let moved = placed.filter(|(_, decision)| decision.place == Place::Runtime).map(|(unit, _)| unit.index);
        edits.extend(self.layout.delete(moved, true));
        if let Some((index, text)) = &self.plan.recipe.start
            && let Some(instruction) = self.survey.model.instruction(*index)
            && self.survey.units.iter().skip(self.plan.pivot).any(|unit| unit.index == *index)
        {
            let args = instruction.args.source_span(0, instruction.args.text.len());
            edits.push(Edit::replace(args, text.as_str()));
        }
        edits.extend(self.plan.recipe.inserts.iter().map(|(at, text)| Edit::insert(*at, text.as_str())));
        if let Some(index) = self.corepack() {
            let (name, place) = helpers::COREPACK;
            edits.push(self.layout.insert_before(index, self.layout.line("ENV", &format!("{name}={place}"))));
        }
        let at = self.insertion();
        let (ends, eol) = (self.layout.ends_line(at), self.layout.eol().as_bytes());
        let mut text = if ends { Vec::new() } else { eol.to_vec() };
        for command in &self.plan.recipe.build {
            text.extend_from_slice(self.layout.line("RUN", command).as_bytes());
        }
        text.extend_from_slice(eol);
        text.extend_from_slice(&self.header());
        if !ends && text.ends_with(eol) {
            text.truncate(text.len() - eol.len());
        }
        edits.push(Edit::insert(at, text));
        // What ends the file in the air would take the new stage into itself.
        let last = self.survey.model.file.instructions.last();
        edits.extend(last.and_then(|last| last.dangling).filter(|span| span.end as usize <= at).map(Edit::delete));
        edits
    }

    /// The instruction that sets up Corepack, where what it keeps is copied.
    fn corepack(&self) -> Option<usize> {
        let carried = self.plan.recipe.carried.iter().any(|carried| carried.to == helpers::COREPACK.1);
        carried.then(|| helpers::corepack(self.survey, self.plan.recipe.programs.names())).flatten()
    }

    /// What Poetry and Bundler were told where they now only build, and have to know where the program runs by them:
    /// `CMD poetry run app`, `CMD bundle exec puma`.
    fn told(&self) -> Vec<(&'static str, String)> {
        let recipe = &self.plan.recipe;
        let started = || self.survey.entry.steps.iter().any(|step| step.program() == "poetry");
        let poetry = recipe.opaque_entry || recipe.programs.has("poetry") || started();
        let model = self.survey.model;
        let built = self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot);
        let told = built
            .filter(|(unit, decision)| unit.instruction.keyword == Keyword::Run && decision.place == Place::Builder)
            .flat_map(|(unit, _)| {
                let poetry = if poetry { crate::model::poetry_settings(model, unit.index) } else { Vec::new() };
                poetry.into_iter().chain(crate::model::bundler_settings(model, unit.index))
            });
        let said = |name: &str| model.env_names(self.survey.stage).any(|(_, known)| known == name);
        told.filter(|(name, _)| !said(name)).collect()
    }

    /// Names the builder in its FROM.
    fn name_builder(&self, edits: &mut Vec<Edit>) {
        let Some(from) = self.survey.model.instruction(self.survey.stage.from) else { return };
        match from.from().and_then(|parts| parts.alias) {
            Some(alias) => edits.push(Edit::replace(alias.span, self.builder.as_str())),
            None => {
                let end = from.args.source_span(0, from.args.text.len()).end as usize;
                edits.push(Edit::insert(end, format!(" {} {}", self.layout.keyword("AS"), self.builder)));
            }
        }
    }

    /// Where the new stage begins: after the last line that stays in the builder.
    fn insertion(&self) -> usize {
        let last = self.survey.units.get(self.plan.recipe.last_build).map_or(self.survey.stage.from, |unit| unit.index);
        let at = self.layout.end(last);
        // Comments right below it, apart from what comes next by a blank line, are about it.
        let source = self.survey.model.file.source;
        let mut end = at;
        while let Some(line) = source.get(end..).and_then(|rest| rest.split_inclusive(|byte| *byte == b'\n').next()) {
            match line.trim_ascii() {
                [b'#', ..] if line.ends_with(b"\n") => end += line.len(),
                [] if end > at && self.layout.ends_line(at) => return end,
                _ => break,
            }
        }
        at
    }

    /// The head of the runtime stage: everything up to what stays where it is.
    fn header(&self) -> Vec<u8> {
        let recipe = &self.plan.recipe;
        let mut out: Vec<u8> = Vec::new();
        let mut put = |text: &[u8]| out.extend_from_slice(text);
        let platform = match &self.survey.stage.platform {
            Some(platform) if !platform.contains("BUILDPLATFORM") => format!("--platform={platform} "),
            _ => String::new(),
        };
        let name = match &self.survey.stage.name {
            Some(name) => format!(" {} {name}", self.layout.keyword("AS")),
            None => String::new(),
        };
        put(self.layout.line("FROM", &format!("{platform}{}{name}", recipe.runtime.image)).as_bytes());

        let placed = || self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot);
        // What a label reads has to stand above it, and labels keep their order.
        let label = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Label;
        let reads = placed().any(|(unit, _)| label(unit) && unit.instruction.args.text.contains('$'));
        let about = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::Maintainer || label(unit) && !reads;
        let last = |unit: &Unit<'_>| {
            matches!(
                unit.instruction.keyword,
                Keyword::Cmd
                    | Keyword::Entrypoint
                    | Keyword::Healthcheck
                    | Keyword::Stopsignal
                    | Keyword::Expose
                    | Keyword::Volume
            )
        };
        for (unit, decision) in placed() {
            if about(unit) && decision.place == Place::Runtime {
                put(&self.layout.text(self.layout.with_comments(unit.index)));
            }
        }
        if self.plan.becomes_root {
            put(self.layout.line("USER", "root").as_bytes());
        }
        for (name, value) in runtime::environment(self.survey, recipe, &self.plan.decisions) {
            put(self.layout.line("ENV", &format!("{name}={value}")).as_bytes());
        }
        if self.corepack().is_some() {
            let (name, place) = helpers::COREPACK;
            put(self.layout.line("ENV", &format!("{name}={place}")).as_bytes());
        }
        for (name, value) in self.told() {
            put(self.layout.line("ENV", &format!("{name}={value}")).as_bytes());
        }
        if !recipe.tools.is_empty() {
            put(self.layout.run(&recipe.tools).as_bytes());
            put(self.layout.eol().as_bytes());
        }
        for command in &recipe.setup {
            put(self.layout.line("RUN", command).as_bytes());
        }
        let mut folder = "/".to_owned();
        let mut early: Vec<&String> = Vec::new();
        // What was installed over the files of the system lies over those that came before, and under what comes after.
        let mut overlay = self.overlay();
        for (unit, decision) in placed().filter(|(unit, _)| !about(unit) && !last(unit)) {
            let text = match &overlay {
                Some((at, carried)) if unit.index > *at && decision.place != Place::Builder => {
                    Some(self.copy_line(carried))
                }
                _ => None,
            };
            if let Some(text) = text {
                put(text.as_bytes());
                overlay = None;
            }
            let text = match &decision.place {
                Place::Builder => continue,
                Place::Runtime => self.layout.text(self.layout.with_comments(unit.index)),
                Place::Both => self.layout.text(self.layout.tile(unit.index)),
                Place::BuilderAnd(text) => {
                    let (keyword, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
                    self.layout.line(keyword, rest).into_bytes()
                }
            };
            let wanted = recipe.before.iter().filter(|(at, _)| *at == unit.index).map(|(_, path)| path);
            for carried in recipe.carried.iter().filter(|carried| wanted.clone().any(|path| *path == carried.from)) {
                put(self.copy_line(carried).as_bytes());
                early.push(&carried.from);
            }
            if let Some(cwd) = self.survey.model.workdir(unit.index)
                && cwd != folder
                && (needs_folder(unit) || makes_folder(unit, cwd))
            {
                // Where the image itself works, nobody has to send it.
                if folder != "/" || !self.inherits(cwd) {
                    put(self.layout.line("WORKDIR", &self.written(cwd)).as_bytes());
                }
                folder = cwd.to_owned();
            }
            put(&text);
        }
        let workdir = self.plan.workdir.as_ref().filter(|workdir| **workdir != folder && !self.inherits(workdir));
        let workdir = workdir.filter(|workdir| !self.moves_on(workdir));
        // A folder that WORKDIR makes belongs to the user in force there.
        let late = workdir.is_some_and(|workdir| self.makes_for_the_user(workdir));
        if let Some(workdir) = workdir.filter(|_| !late) {
            put(self.layout.line("WORKDIR", &self.written(workdir)).as_bytes());
        }
        for carried in &recipe.carried {
            let over = carried.to == "/" && self.overlay().is_some_and(|(_, other)| other.from == carried.from);
            if over && overlay.is_none() || early.contains(&&carried.from) {
                continue;
            }
            put(self.copy_line(carried).as_bytes());
        }
        // What goes over several lines has a heredoc of its own, as it had one.
        for commands in recipe.finish.chunk_by(|one, next| !one.contains('\n') && !next.contains('\n')) {
            let eol = self.layout.eol();
            if let [text] = commands
                && text.contains('\n')
            {
                put(self.layout.line("RUN", &format!("<<EOF{eol}{text}{eol}EOF")).as_bytes());
            } else {
                put(self.layout.run(commands).as_bytes());
                put(eol.as_bytes());
            }
        }
        // What stays in place may begin by going on as somebody else.
        let changes = |unit: &Unit<'_>| unit.instruction.keyword == Keyword::User;
        let user =
            self.plan.user.as_ref().filter(|_| late || !self.survey.units.get(self.plan.pivot).is_some_and(changes));
        let user = user.map(|user| self.layout.line("USER", user)).unwrap_or_default();
        if let Some(workdir) = workdir.filter(|_| late) {
            put(user.as_bytes());
            put(self.layout.line("WORKDIR", &self.written(workdir)).as_bytes());
        }
        for (unit, decision) in placed() {
            if last(unit) && decision.place == Place::Runtime {
                let mut text = self.layout.text(self.layout.with_comments(unit.index));
                if let Some((index, start)) = &recipe.start
                    && *index == unit.index
                {
                    text = self.layout.line(unit.instruction.keyword.name(), start).into_bytes();
                }
                put(&text);
            }
        }
        if !late {
            put(user.as_bytes());
        }
        out
    }

    /// Whether the runtime image works in a folder by itself, as the base did: no instruction of the builder says so.
    fn inherits(&self, workdir: &str) -> bool {
        let said = self.survey.units.iter().take(self.plan.pivot);
        if said.into_iter().any(|unit| unit.instruction.keyword == Keyword::Workdir) {
            return false;
        }
        let image = ImageRef::parse(&self.plan.recipe.runtime.image);
        !self.plan.recipe.smaller || base::known(&image).and_then(|image| image.workdir()) == Some(workdir)
    }

    /// Whether what stays in place goes to another folder before anything works in this one, which the build alone needed or
    /// the copies make.
    fn moves_on(&self, workdir: &str) -> bool {
        let recipe = &self.plan.recipe;
        let builds = ["/go", "/tmp", "/usr/local/src", "/usr/src"].iter().any(|folder| paths::within(workdir, folder));
        if !recipe.finish.is_empty() || !builds && !recipe.carried.iter().any(|one| paths::within(&one.to, workdir)) {
            return false;
        }
        for unit in self.survey.units.iter().skip(self.plan.pivot) {
            match unit.instruction.keyword {
                Keyword::Workdir => return unit.instruction.args.text.trim_matches(['"', '\'', ' ']).starts_with('/'),
                Keyword::Copy | Keyword::Add if !needs_folder(unit) => {}
                Keyword::Arg | Keyword::Env | Keyword::Expose | Keyword::Label | Keyword::Maintainer => {}
                Keyword::Run if !unit.steps.is_empty() && unit.steps.iter().all(makes_elsewhere) => {}
                _ => return false,
            }
        }
        false
    }

    /// The line that copies something from the builder.
    fn copy_line(&self, carried: &Carried) -> String {
        let recipe = &self.plan.recipe;
        let owner = carried.owner.as_ref().or(self.plan.user.as_ref().filter(|_| recipe.user_owns));
        let owner = owner.map(|user| format!("--chown={user} ")).unwrap_or_default();
        let (from, to) = (self.written(&carried.from), self.written(&carried.to));
        let paths = if from.contains(' ') || to.contains(' ') {
            serde_json::to_string(&[&carried.from, &carried.to]).unwrap_or_default()
        } else {
            format!("{from} {to}")
        };
        self.layout.line("COPY", &format!("--from={} {owner}{paths}", self.builder))
    }

    /// A path as the runtime stage writes it: as WORKDIR does of which it is a part, where that reads an argument which both
    /// stages have, and who builds may choose another value.
    fn written(&self, path: &str) -> String {
        let escape = self.survey.model.file.escape;
        let units = || self.survey.units.iter().zip(&self.plan.decisions).take(self.plan.pivot);
        let declared = |name: &str, keyword| {
            units().any(|(unit, decision)| {
                unit.instruction.keyword == keyword
                    && decision.place != Place::Builder
                    && unit.instruction.pairs(escape).iter().any(|pair| pair.name.raw == name)
            })
        };
        let prefix = |unit: &Unit<'_>| {
            let text = unit.instruction.args.text.to_string();
            let names = words::reads(&text, escape);
            let told = |name: &String| declared(name, Keyword::Arg) && !declared(name, Keyword::Env);
            let plain = !text.contains(['"', '\'', '\\', ' ', ':']) && text.starts_with(['/', '$']);
            let folder = self.survey.model.workdir(unit.index + 1)?;
            let rest =
                paths::relative(path, folder).filter(|_| plain && !names.is_empty() && names.iter().all(told))?;
            Some((rest, text))
        };
        let workdirs = units().filter(|(unit, _)| unit.instruction.keyword == Keyword::Workdir);
        match workdirs.filter_map(|(unit, _)| prefix(unit)).min_by_key(|(rest, _)| rest.len()) {
            Some(("", text)) => text,
            Some((rest, text)) => format!("{}/{}", text.trim_end_matches('/'), path_word(rest)),
            None => path_word(path),
        }
    }

    /// What is copied over the whole system, with the last instruction that puts something there: the first, where files
    /// of the context come in between.
    fn overlay(&self) -> Option<(usize, &Carried)> {
        let recipe = &self.plan.recipe;
        let fills = |carried: &&Carried| {
            carried.to == "/" && recipe.inserts.iter().any(|(_, text)| text.contains(carried.from.as_str()))
        };
        let carried = recipe.carried.iter().find(fills)?;
        let of = |at: usize| {
            self.survey.units.iter().find(|unit| {
                let span = unit.instruction.span;
                (span.start as usize..=span.end as usize).contains(&at)
            })
        };
        let places = recipe.inserts.iter().filter(|(_, text)| text.contains(&carried.from));
        let mut places: Vec<usize> = places.filter_map(|(at, _)| of(*at)).map(|unit| unit.index).collect();
        places.sort_unstable();
        let (first, last) = (*places.first()?, *places.last()?);
        let between = self.survey.units.iter().any(|unit| {
            (first..last).contains(&unit.index)
                && unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(stores::system)
        });
        Some((if between { first } else { last }, carried))
    }

    /// Whether the user of the runtime stage is in force where the stage first enters `folder`, which is nobody's before.
    fn makes_for_the_user(&self, folder: &str) -> bool {
        let Survey { model, units, .. } = self.survey;
        let enters = |unit: &&Unit<'_>| {
            unit.instruction.keyword == Keyword::Workdir && model.workdir(unit.index + 1) == Some(folder)
        };
        let user = units.iter().find(enters).and_then(|unit| model.user(unit.index)).map(|user| &user.text);
        user.is_some() && user == self.plan.user.as_ref()
    }
}

/// A path as COPY reads it: `$` would be expanded.
fn path_word(path: &str) -> String {
    path.replace('$', "\\$")
}

/// Whether an instruction means another thing in another working directory.
fn needs_folder(unit: &Unit<'_>) -> bool {
    match unit.instruction.keyword {
        Keyword::Copy | Keyword::Add => unit.instruction.words().last().is_some_and(|to| !to.raw.starts_with('/')),
        Keyword::Run if unit.tidy => true,
        Keyword::Run => unit.steps.iter().any(|step| {
            let relative = |arg: &String| !arg.starts_with(['/', '-', '$']) && !arg.contains('=');
            match effects::of(step) {
                Effect::Files(_) | Effect::Writes(_) => step.args().iter().any(relative),
                Effect::Unknown => true,
                Effect::Repository => step.kind() == "download",
                _ => false,
            }
        }),
        _ => false,
    }
}

/// Whether a command makes folders wherever it runs.
fn makes_elsewhere(step: &Step) -> bool {
    step.program() == "mkdir" && step.operands().all(|folder| folder.starts_with('/'))
}

/// Whether a COPY goes into the working directory itself: a folder only because WORKDIR made it one.
fn makes_folder(unit: &Unit<'_>, cwd: &str) -> bool {
    unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(|to| crate::model::paths::within(cwd, to))
}

/// A name for the builder that no stage of the file has.
pub(super) fn free_name(model: &Model<'_>) -> String {
    let wanted = &model.settings.stage_name;
    let taken = |name: &str| {
        model.stages.iter().any(|stage| stage.name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    };
    // A stage that is called `builder` and ships keeps its name; beside it, `build` reads better than a number.
    let named = [wanted.clone(), "build".to_owned()].into_iter();
    let mut names = named.chain((2..).map(|number| format!("{wanted}-{number}"))).filter(|name| !taken(name));
    names.next().unwrap_or_default()
}
