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
use super::installs::{asks, install_text, taken_away, wanted};
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
                piece.fewer.push((step.span, install_text(step, packages.manager, &packages.names, &wanted)));
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
        let text = match all {
            true if alone => format!("apt-get install -y {}", wanted.join(" ")),
            true if asks => install_text(step, packages.manager, &packages.names, &packages.names),
            true => self.text(piece),
            false => install_text(step, packages.manager, &packages.names, &wanted),
        };
        self.kept.push(Kept {
            text,
            loose: self.loose(piece),
            installs: true,
            // Some packages bring the address of an archive; then the file asks for its lists behind them.
            archive: installs_file(step),
            item: step.item,
        });
        Ok(())
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
