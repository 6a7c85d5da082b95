//! Where a piece goes that the runtime stage has too: where the instruction stands, or behind the copies.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::paths;
use crate::syntax::shell::Operator;
use crate::transform::Refusal;

use super::super::helpers;
use super::super::plan::mentions;
use super::super::survey::refuse;

use super::Kept;
use super::copied::{link_in_place, works_on_carried};
use super::databases::waits;
use super::kept::{define, follows, move_along, names_relative};
use super::local::left_behind;
use super::repeated::installs_file;
use super::sorting::{Piece, Sorting};
use super::text::{at_home, chunk_text};
use super::users::nobodys;

impl Sorting<'_, '_, '_> {
    /// Puts a piece that is kept where it belongs.
    pub(super) fn place(&mut self, piece: Piece<'_>) -> Result<(), Refusal> {
        self.can_be_kept(&piece)?;
        let written = chunk_text(self.survey, self.unit, self.items, piece.steps, &piece.fewer);
        let text = self.owned(&piece, &written);
        let text = text.unwrap_or_else(|| at_home(self.survey, self.unit, written.clone()));
        self.work |= text != written;
        self.recipe.programs.extend(piece.steps.iter().map(|step| step.program().to_owned()));
        // `sudo -u app touch …` starts sudo, too.
        let wrappers = written.split_ascii_whitespace().filter(|word| Words::WrapperPrograms.has(word));
        self.recipe.programs.extend(wrappers.map(str::to_owned));
        if piece.late || self.works_on_copies(&piece) {
            return self.place_behind(&piece, text);
        }
        let effect = |takes: fn(&Effect) -> bool| piece.steps.iter().any(|step| takes(effects::of(step)));
        self.kept.push(Kept {
            text,
            loose: self.loose(&piece),
            installs: effect(|effect| matches!(effect, Effect::Install(_) | Effect::Upgrade)),
            archive: effect(|effect| matches!(effect, Effect::Repository)) || piece.steps.iter().any(installs_file),
            item: piece.steps.first().map_or(0, |step| step.item),
        });
        Ok(())
    }

    /// Ends the sorting: what is kept works in its own folder, and knows the variables that it names.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        move_along(self.survey, self.recipe, self.unit, &mut self.kept);
        define(self.survey, self.recipe, self.unit, self.items, &mut self.kept)?;
        self.recipe.repositories |=
            self.kept.iter().any(|kept| kept.installs) && helpers::has_archives(self.survey, self.recipe);
        for text in std::mem::take(&mut self.after) {
            if !self.recipe.finish.contains(&text) {
                self.recipe.finish.push(text);
                self.work = true;
            }
        }
        Ok(())
    }

    /// A piece of which the build needs a part, or which needs a part of the build, can't be kept.
    fn can_be_kept(&self, piece: &Piece<'_>) -> Result<(), Refusal> {
        let line = self.line();
        if piece.builds && piece.whole {
            let text =
                format!("line {line} builds and sets up the shipped image in one compound command; split it in two");
            return Err(refuse("entangled", text, false));
        }
        if let Some(path) = left_behind(self.survey, self.recipe, self.unit, piece.steps) {
            let text = format!("line {line} sets up the shipped image with {path}, which only the builder has");
            return Err(refuse("entangled", text, false));
        }
        if let Some((owner, script)) = piece.steps.iter().find_map(|step| nobodys(self.survey, step)) {
            let text = format!(
                "line {line} names {owner}, whom no instruction makes; `{script}` may, and what it does is not there to \
                 read"
            );
            return Err(refuse("built-by-a-script", text, true));
        }
        Ok(())
    }

    /// The text of a piece that makes folders as a user: root makes them in the runtime stage, and hands them over.
    fn owned(&self, piece: &Piece<'_>, written: &str) -> Option<String> {
        let user = &self.survey.model.user(self.unit.index)?.text;
        let root = matches!(user.split(':').next(), Some("root" | "0" | ""));
        let [only] = piece.steps else { return None };
        let Effect::Files(made) = effects::of(only) else { return None };
        if user.contains('$')
            || root
            || piece.whole
            || only.program() != "mkdir"
            || !only.known
            || written.contains("sudo")
        {
            return None;
        }
        // What `mkdir -p` makes above it is the user's as well.
        let home = self.survey.model.own_home(self.unit.index);
        let above = only.args().iter().any(|arg| arg.starts_with("-p") || arg == "--parents");
        let first = |path: &String| {
            let rest = home.as_deref().filter(|_| above).and_then(|home| paths::relative(path, home))?;
            let (first, _) = rest.split_once('/')?;
            Some(paths::join(home.as_deref()?, first))
        };
        let tops: Vec<String> = made.iter().filter_map(first).collect();
        let (option, folders) = if tops.len() == made.len() { ("-R ", &tops) } else { ("", made) };
        let text = at_home(self.survey, self.unit, written.to_owned());
        Some(format!("{text} && chown {option}{user} {}", folders.join(" ")))
    }

    /// Whether a piece works on what is copied, or on what comes behind the copies.
    fn works_on_copies(&self, piece: &Piece<'_>) -> bool {
        let any = |takes: &dyn Fn(&Step) -> bool| piece.steps.iter().any(takes);
        let finished = || self.recipe.finish.iter().chain(&self.after);
        // What makes room for a link goes with it: the folder that a RUN works in is there again for the next one.
        let link = |step: &Step| Some(link_in_place(self.unit, step)?.0);
        !self.makes_room(piece)
            && !any(&|step| matches!(effects::of(step), Effect::Install(_) | Effect::Upgrade))
            && (any(&|step| works_on_carried(self.recipe, link(step).unwrap_or(step)))
                || finished().any(|text| any(&|step| follows(step, text)))
                || self.behind.iter().any(|path| any(&|step| waits(step) && mentions(step, path))))
    }

    /// Whether a piece only takes away what stands where copies come to: what is copied is there after it, and behind the
    /// copies it would take that away.
    fn makes_room(&self, piece: &Piece<'_>) -> bool {
        let over = |path: &String| self.recipe.carried.iter().any(|carried| paths::covers(path, &carried.to));
        let removes = |step: &Step| match effects::of(step) {
            Effect::Files(removed) => step.program() == "rm" && !removed.is_empty() && removed.iter().all(over),
            _ => false,
        };
        piece.steps.iter().all(removes)
    }

    /// Puts a piece behind the copies.
    fn place_behind(&mut self, piece: &Piece<'_>, text: String) -> Result<(), Refusal> {
        let (survey, items, steps) = (self.survey, self.items, piece.steps);
        self.behind.extend(steps.iter().flat_map(|step| match effects::of(step) {
            Effect::Writes(written) => written.clone(),
            _ => Vec::new(),
        }));
        // The commands behind the copies run where the runtime stage works.
        let item = steps.first().map_or(0, |step| step.item);
        let home = steps.iter().any(|step| survey.downloads(step).is_some());
        let cwd =
            steps.iter().find(|step| home || names_relative(self.recipe, step)).and_then(|step| step.cwd.as_deref());
        // What it forgives, or where it ends, is its own: others stand beside it now.
        let forgives = |step: &Step| items.get(step.item).is_some_and(|item| item.operator == Operator::Or);
        let apart = steps.iter().any(forgives) && !text.starts_with('(');
        let mut pieces = vec![Kept::plain(item, if apart { format!("({text})") } else { text })];
        if let Some(cwd) = cwd.filter(|cwd| Some(*cwd) != survey.model.final_workdir(survey.stage)) {
            pieces.insert(0, Kept::plain(item, format!("cd {cwd}")));
        }
        define(survey, self.recipe, self.unit, items, &mut pieces)?;
        let texts: Vec<String> = pieces.into_iter().map(|piece| piece.text).collect();
        self.after.push(texts.join(" && "));
        Ok(())
    }
}
