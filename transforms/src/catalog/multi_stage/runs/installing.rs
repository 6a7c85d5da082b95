//! Commands that install packages: which of these the runtime stage installs too.

use crate::knowledge::releases::Manager;
use crate::model::commands::Step;
use crate::model::effects::{self, Packages};
use crate::transform::Refusal;

use super::super::helpers;
use super::super::plan::Carried;
use super::super::survey::refuse;
use super::super::whole::shown;

use super::Kept;
use super::installs::{asks, install_text, taken_away, wanted, without_compilers};
use super::local::local_packages;
use super::repeated::installs_file;
use super::sorting::{Piece, Sorting};

impl Sorting<'_, '_, '_> {
    /// Installs packages that an earlier instruction makes or fetches: they are copied, and installed behind the copies.
    pub(super) fn install_files(&mut self, piece: &mut Piece<'_>, step: &Step, files: &[String]) {
        for path in files {
            let evidence = format!("`{}` installs it", shown(step));
            self.recipe.carried.push(Carried { from: path.clone(), to: path.clone(), owner: None, evidence });
        }
        self.recipe.before.extend(files.iter().map(|path| (self.unit.index, path.clone())));
        // What the package needs may not be there; settings that are stay.
        let again = format!("dpkg -i --force-confold {}", files.join(" "));
        let text = format!("({again} || (apt-get update && apt-get install -y -f && {again}))");
        let loose = self.loose(piece);
        self.kept.push(Kept { loose, ..Kept::plain(step.item, text) });
        self.because("the shipped image has the package");
        self.recipe.programs.extend(["dpkg".into()]);
        self.work = true;
        piece.builds = true;
    }

    /// Installs packages of an archive.
    pub(super) fn install(&mut self, piece: &mut Piece<'_>, step: &Step, packages: &Packages) -> Result<(), Refusal> {
        let (survey, unit) = (self.survey, self.unit);
        if let Some(made) = local_packages(survey, unit, step, &packages.names) {
            let line = self.line();
            let text = format!("line {line} installs {made}, which the build makes or fetches, into the shipped image");
            return Err(refuse("entangled", text, false));
        }
        // `apt-get -f install` ends what `dpkg -i` began.
        if packages.names.is_empty() && unit.steps.iter().any(installs_file) {
            piece.keep = true;
            return Ok(());
        }
        let (wanted, all) = self.wanted(piece, step, packages);
        if wanted.is_empty() {
            if piece.whole && piece.apart(step) {
                piece.fewer.push((step.span, "true".into()));
                self.work = true;
            } else {
                piece.builds = true;
            }
            return Ok(());
        }
        self.because(format!("{} may be needed at run time", wanted.join(", ")));
        self.recipe.installed.extend(wanted.iter().cloned());
        if piece.whole {
            piece.keep = true;
            if !all && piece.apart(step) {
                piece.fewer.push((step.span, self.installs(step, packages, &wanted).join(" && ")));
                self.work = true;
            } else {
                piece.builds |= !all;
            }
            return Ok(());
        }
        // The smaller image may lack what the package depends on, which only apt-get installs.
        let alone = self.recipe.smaller && installs_file(step);
        // Nor was anybody asked about a package that the larger image has already.
        let asks = self.recipe.smaller && all && asks(step, packages.manager);
        self.work |= !all || alone || asks;
        let texts = match all {
            true if alone => vec![format!("apt-get install -y {}", wanted.join(" "))],
            true if asks => vec![install_text(step, packages.manager, &packages.names, &packages.names)],
            true => vec![self.text(piece)],
            false => self.installs(step, packages, &wanted),
        };
        let loose = self.loose(piece);
        // Some packages bring the address of an archive; then the file asks for its lists behind them.
        let archive = installs_file(step);
        let kept = texts.into_iter().map(|text| Kept { text, loose, installs: true, archive, item: step.item });
        self.kept.extend(kept);
        Ok(())
    }

    /// The commands that install what of an install is wanted: an installer of a language that only a script may start which
    /// can't be read is installed by itself, without the compilers that it recommends.
    fn installs(&mut self, step: &Step, packages: &Packages, wanted: &[String]) -> Vec<String> {
        let mut others = wanted.to_vec();
        let mut bare: Vec<String> = Vec::new();
        for name in wanted {
            let found = without_compilers(self.survey, self.recipe, packages, name);
            if found.is_empty() {
                continue;
            }
            // What the file names by itself is installed as it was, and what is there already is there.
            let there = |other: &String| {
                packages.names.contains(other)
                    || self.recipe.installed.contains(other) && !wanted.contains(other)
                    || bare.contains(other)
            };
            let found: Vec<String> = found.into_iter().filter(|other| other == name || !there(other)).collect();
            others.retain(|other| !found.contains(other));
            bare.extend(found);
            let text = format!("what is installed with {name} when the container runs needs no compiler");
            if !self.recipe.assumptions.contains(&text) {
                self.recipe.assumptions.push(text);
            }
        }
        let text = |names: &[String]| install_text(step, packages.manager, &packages.names, names);
        let mut texts = Vec::new();
        if !others.is_empty() {
            texts.push(text(&others));
        }
        if !bare.is_empty() {
            let first = bare.first().map_or("", String::as_str);
            texts.push(text(&bare).replacen(&format!(" {first}"), &format!(" --no-install-recommends {first}"), 1));
        }
        texts
    }

    /// The packages of an install that the runtime stage needs, and whether these are all.
    fn wanted(&mut self, piece: &Piece<'_>, step: &Step, packages: &Packages) -> (Vec<String>, bool) {
        let (survey, unit) = (self.survey, self.unit);
        let gone = taken_away(survey, unit, Some(step));
        let (mut wanted, mut all) = wanted(survey, self.recipe, unit, packages, &gone, step);
        let node = |name: &String| helpers::is_node_package(packages.manager, name);
        if packages.names.iter().any(|name| node(name) && !wanted.contains(name) && !gone.contains(name))
            && !self.recipe.assumptions.iter().any(|text| text == helpers::NODE_BUNDLES)
        {
            self.recipe.assumptions.push(helpers::NODE_BUNDLES.into());
        }
        // What else the runtime stage needs joins the first list that is written anew.
        let rewritten = || unit.steps.iter().any(|step| effects::of(step).is_work());
        if packages.manager == Manager::Apt && !piece.whole && (!all || rewritten()) {
            let more = std::mem::take(&mut self.recipe.joining);
            all &= more.iter().all(|name| packages.names.contains(name));
            wanted.extend(more.into_iter().filter(|name| !packages.names.contains(name)));
            wanted.dedup();
        }
        (wanted, all)
    }
}
