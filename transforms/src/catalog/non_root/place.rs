//! Where the lines go: the user before the first thing that is given to it, USER after the last thing that needs root.

use crate::edit::Edit;
use crate::knowledge::releases::Family;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::handed::{self, Handed};
use super::layers::{self, Filler};
use super::owns::{self, Folder, Needs};
use super::spelling::spelled;
use super::survey::Survey;
use super::user::User;
use super::who::{self, Root};

/// Where everything goes. A place is a position among the stage's units: the lines stand before that unit; one past
/// the last is the end.
pub(super) struct Plan {
    pub(super) user: User,
    /// Commands before a unit, with the place.
    pub(super) runs: Vec<(usize, Vec<String>)>,
    /// RUN instructions that give away what they have filled.
    pub(super) fillers: Vec<Filler>,
    /// Units whose COPY gets an owner.
    pub(super) copies: Vec<usize>,
    /// Instructions that copy folders from an earlier stage, with their place.
    pub(super) handed: Vec<(usize, String)>,
    /// The USER instruction that says root.
    pub(super) before: Option<usize>,
    /// The places that the user owns, for people to read.
    pub(super) owns: Vec<String>,
    /// Variables before a unit, with the place.
    pub(super) envs: Vec<(usize, String)>,
    /// `ENV HOME`.
    pub(super) home: Option<String>,
    /// Where USER goes.
    pub(super) end: usize,
    /// The USER instruction (a unit) that says the new name in the place of root.
    pub(super) mended: Option<usize>,
    pub(super) assumptions: Vec<String>,
    /// Those of them that somebody has to see to.
    pub(super) tasks: Vec<String>,
    /// What changes in the file beside that.
    pub(super) edits: Vec<Edit>,
}

/// Puts everything in its place.
pub(super) fn plan(survey: &Survey<'_, '_>, root: &Root, user: User, needs: Needs) -> Result<Plan, Refusal> {
    let shell = survey.facts.family.is_none_or(Family::has_shell);
    let handed = if shell { Handed::default() } else { handed::volumes(survey, &user, &needs)? };
    let said = root.said.and_then(|index| survey.units.iter().position(|unit| unit.index == index));
    let works =
        |keyword| matches!(keyword, Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir | Keyword::Volume);
    // `USER root` with nothing behind it that needs root says the new name instead.
    let idle = said.filter(|said| !survey.units.iter().skip(*said).any(|unit| works(unit.instruction.keyword)));
    // What root has to do before that stands before it, where it is root's turn there too.
    let end = idle.filter(|said| root_at(survey, *said)).unwrap_or_else(|| end(survey));
    let mut assumptions = Vec::new();
    if root.assumed {
        let name = survey.model.image(survey.stage).map(ToString::to_string);
        assumptions.push(format!("{} runs as root", name.unwrap_or_else(|| "the base image".to_owned())));
    }
    if root.said.is_some() {
        assumptions.push("the last USER went back to root for the steps of the build alone".to_owned());
    }
    assumptions.extend(needs.assumptions);

    let given = needs.early.iter().chain(&needs.late).map(|folder| folder.path.clone());
    let mut owns: Vec<String> = given.chain(needs.files.iter().cloned()).collect();
    owns.sort_unstable();
    owns.dedup();

    if !shell {
        // No shell, no folders: what COPY can't give, nobody can.
        let plan = Plan {
            user,
            runs: Vec::new(),
            fillers: Vec::new(),
            copies: needs.copies,
            handed: handed.lines,
            before: root.said,
            owns: handed.owns,
            envs: Vec::new(),
            home: None,
            end,
            mended: idle,
            assumptions,
            tasks: Vec::new(),
            edits: handed.edits,
        };
        return Ok(plan);
    }

    let mut runs: Vec<(usize, Vec<String>)> = Vec::new();
    let mut copies = needs.copies;
    let mut early = needs.early;
    let mut late = needs.late;
    // Git works in nobody else's folder, not even for root: until the last that asks it there, all of it stays root's.
    let asked = asks_git(survey);
    let waits = |copy: &usize| {
        let copied = survey.units.get(*copy).and_then(|unit| survey.copied(unit));
        let to = copied.and_then(|copied| copied.to.as_deref()).filter(|to| *to != "/")?;
        let about = |(at, folder): &(usize, String)| {
            at > copy && (paths::within(folder, to) || paths::within(to, folder) && owns::is_application(folder))
        };
        asked.iter().any(about).then(|| to.to_owned())
    };
    let waiting: Vec<String> = copies.iter().filter_map(waits).collect();
    if !waiting.is_empty() && needs.volume.is_none() {
        copies.retain(|copy| waits(copy).is_none());
        let mut given: Vec<Folder> = early
            .extract_if(.., |folder| waiting.iter().any(|to| paths::within(&folder.path, to)))
            .map(|folder| Folder { recursive: true, ..folder })
            .collect();
        for to in waiting {
            let known = given.iter().chain(&late).any(|known| known.recursive && paths::within(&to, &known.path));
            if !known {
                given.push(Folder { path: to, recursive: true, make: false });
            }
        }
        late.append(&mut given);
    }
    // What a link shows is given away where it is.
    for folder in late.iter_mut().filter(|folder| folder.recursive && !folder.make) {
        if let Some(target) = shows(survey, &folder.path) {
            folder.path = target;
        }
    }
    owns::distinct(&mut late);
    let fillers = layers::fillers(survey, &user, &mut early, &mut late);
    copies.extend(fillers.iter().flat_map(|filler| &filler.copies));
    copies.sort_unstable();
    copies.dedup();
    // What is given away behind VOLUME, older builders forget.
    let forgets = needs.volume.is_some();
    let numeric = user.name.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let wanted = copies.first().copied().into_iter().chain(needs.volume).min();
    // The user has to be there, and the commands have to run as root.
    let there = user.made_by.map_or(0, |unit| unit + 1);
    let place = wanted.and_then(|wanted| (there..=wanted).rev().find(|place| root_at(survey, *place)));
    // Whoever owns what a RUN has filled is there before it.
    let mut make = user.make.clone();
    if let Some(first) = fillers.first().filter(|first| !make.is_empty() && place.is_none_or(|place| first.at < place))
    {
        runs.push((first.at, std::mem::take(&mut make)));
    }
    match place {
        Some(place) => {
            copies.retain(|copy| *copy >= place);
            let mut commands = make;
            // A folder that a later RUN makes is not there yet: it is given away behind that RUN.
            let later: Vec<(usize, Folder)> = early
                .extract_if(.., |folder| made_from(survey, &folder.path, place).is_some())
                .filter_map(|folder| Some((made_from(survey, &folder.path, place)? + 1, folder)))
                .collect();
            commands.extend(folders(survey, &early, &user.owner, place, if forgets { &[] } else { &late }));
            if !commands.is_empty() {
                runs.push((place, commands));
            }
            for (place, folder) in later {
                let commands = folders(survey, &[folder], &user.owner, place, if forgets { &[] } else { &late });
                runs.push((place, commands));
            }
            let there = settled(survey, needs.volume, &late, place, end);
            let commands = commands_at_the_end(survey, &late, &needs.files, &user.owner, there);
            match runs.iter_mut().find(|(at, _)| *at == there) {
                Some((_, known)) => known.extend(commands),
                None if commands.is_empty() => {}
                None => runs.push((there, commands)),
            }
        }
        None => {
            if !numeric || !user.make.is_empty() {
                copies.retain(|copy| *copy >= there && user.make.is_empty());
            }
            let mut commands = make;
            // What could not be owned as it was copied is owned afterwards.
            if wanted.is_some() && copies.is_empty() {
                for folder in &mut early {
                    folder.recursive |= needs.volume.is_none();
                }
            }
            let mut all = std::mem::take(&mut early);
            all.append(&mut late);
            let (recursive, single): (Vec<Folder>, Vec<Folder>) = all.into_iter().partition(|folder| folder.recursive);
            commands.extend(folders(survey, &single, &user.owner, end, if forgets { &[] } else { &recursive }));
            commands.extend(commands_at_the_end(survey, &recursive, &needs.files, &user.owner, end));
            if !commands.is_empty() {
                runs.push((end, commands));
            }
        }
    }
    let mended = idle.filter(|said| !runs.iter().any(|(place, _)| place > said));
    let envs = needs.moved.iter().map(|(at, cache)| (*at, format!("{}={}", cache.variable, cache.place))).collect();
    Ok(Plan {
        user,
        before: root.said,
        owns,
        runs,
        fillers,
        copies,
        handed: Vec::new(),
        envs,
        home: needs.home,
        end,
        mended,
        assumptions,
        tasks: Vec::new(),
        edits: Vec::new(),
    })
}

/// Where what is full by the end is given away: before VOLUME, where it is of a volume and nothing is added behind, as older
/// builders forget what is changed there.
fn settled(survey: &Survey<'_, '_>, volume: Option<usize>, late: &[Folder], from: usize, end: usize) -> usize {
    let adds =
        |keyword| matches!(keyword, Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir | Keyword::User);
    let Some(at) = volume.filter(|at| *at >= from) else { return end };
    let mut behind = survey.units.iter().skip(at).take(end.saturating_sub(at));
    let text = survey.units.get(at).map(|unit| unit.text()).unwrap_or_default();
    let mut volumes = text.split(['[', ']', '"', ',', ' ']).filter(|word| word.starts_with('/'));
    let forgotten = volumes.any(|path| late.iter().any(|folder| paths::within(&folder.path, path)));
    if forgotten && !behind.any(|unit| adds(unit.instruction.keyword)) { at } else { end }
}

/// Where RUN asks Git about the project, with the place: Git itself does, and Go, which writes the commit into what it makes.
fn asks_git(survey: &Survey<'_, '_>) -> Vec<(usize, String)> {
    // Go does so since 1.18, where Git is there.
    let tag = survey.model.image(survey.stage).and_then(|image| image.tag.clone()).unwrap_or_default();
    let minor = tag.strip_prefix("1.").and_then(|rest| rest.split(['.', '-']).next()?.parse::<u32>().ok());
    let stamps = minor.is_none_or(|minor| minor >= 18) && survey.facts.family != Some(Family::Alpine);
    let asks = |step: &Step| match step.program() {
        "git" => step.subcommand().is_some_and(|verb| !matches!(verb, "clone" | "config" | "init" | "lfs")),
        "go" => {
            stamps
                && matches!(step.subcommand(), Some("build" | "install"))
                && !step.args().iter().any(|arg| arg.starts_with("-buildvcs") || arg.contains('@'))
        }
        _ => false,
    };
    let runs = survey.units.iter().enumerate().filter(|(_, unit)| unit.instruction.keyword == Keyword::Run);
    runs.flat_map(|(at, unit)| survey.steps(unit).iter().map(move |step| (at, step)))
        .filter(|(_, step)| asks(step))
        .filter_map(|(at, step)| Some((at, step.cwd.clone()?)))
        .collect()
}

/// Whether commands before this unit run as root.
pub(super) fn root_at(survey: &Survey<'_, '_>, place: usize) -> bool {
    let below = survey.below.len();
    let mut root = survey.facts.user.is_none_or(who::is_root);
    for unit in survey.all().take(below + place).filter(|unit| unit.instruction.keyword == Keyword::User) {
        let user = survey.model.expand(unit.index, &unit.instruction.args.text);
        root = user.known && who::is_root(&user.text);
    }
    root
}

/// Where USER goes: before the first HEALTHCHECK, ENTRYPOINT or CMD, all of which it runs, that nothing follows which builds
/// the image.
fn end(survey: &Survey<'_, '_>) -> usize {
    let works = |keyword| {
        matches!(
            keyword,
            Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir | Keyword::User | Keyword::Volume
        )
    };
    let last = survey.units.iter().rposition(|unit| works(unit.instruction.keyword)).map_or(0, |last| last + 1);
    let rest = survey.units.iter().enumerate().skip(last);
    let runs = |keyword| matches!(keyword, Keyword::Healthcheck | Keyword::Cmd | Keyword::Entrypoint);
    let mut starts = rest.filter(|(_, unit)| runs(unit.instruction.keyword));
    starts.next().map_or(survey.units.len(), |(at, _)| at)
}

/// The folders but for those that `mkdir -p` makes on the way to another of them.
fn innermost<'p>(folders: &[&'p str]) -> impl Iterator<Item = &'p str> {
    let above = |path: &str| folders.iter().any(|other| *other != path && paths::within(other, path));
    let kept: Vec<&str> = folders.iter().copied().filter(|path| !above(path)).collect();
    kept.into_iter()
}

/// The commands that make and give away single folders, but for those that are given away later with a folder above.
fn folders(survey: &Survey<'_, '_>, folders: &[Folder], owner: &str, place: usize, later: &[Folder]) -> Vec<String> {
    if folders.is_empty() {
        return Vec::new();
    }
    let mut commands = Vec::new();
    let covered =
        |path: &str| later.iter().any(|whole| whole.recursive && crate::model::paths::within(path, &whole.path));
    let missing: Vec<&str> = folders
        .iter()
        .filter(|folder| folder.make && !exists(survey, &folder.path, place))
        .map(|folder| folder.path.as_str())
        .collect();
    let missing: Vec<String> = innermost(&missing).map(|path| spelled(survey, path, place)).collect();
    if !missing.is_empty() {
        commands.push(format!("mkdir -p {}", missing.join(" ")));
    }
    for (recursive, flag) in [(false, ""), (true, "-R ")] {
        let names = folders.iter().filter(|folder| folder.recursive == recursive && !covered(&folder.path));
        let names: Vec<String> = names.map(|folder| spelled(survey, &folder.path, place)).collect();
        if !names.is_empty() {
            commands.push(format!("chown {flag}{owner} {}", names.join(" ")));
        }
    }
    commands
}

/// The commands before the unit at `place` that give away what is full by the end.
pub(super) fn commands_at_the_end(
    survey: &Survey<'_, '_>,
    folders: &[Folder],
    files: &[String],
    owner: &str,
    place: usize,
) -> Vec<String> {
    let mut commands = Vec::new();
    let made = folders.iter().filter(|folder| folder.make && !exists(survey, &folder.path, survey.units.len()));
    let made: Vec<&str> = made.map(|folder| folder.path.as_str()).collect();
    let made: Vec<String> = innermost(&made).map(|path| spelled(survey, path, place)).collect();
    if !made.is_empty() {
        commands.push(format!("mkdir -p {}", made.join(" ")));
    }
    let touched: Vec<String> = files.iter().map(|path| spelled(survey, path, place)).collect();
    if !touched.is_empty() {
        commands.push(format!("touch {}", touched.join(" ")));
    }
    let (deep, flat): (Vec<&Folder>, Vec<&Folder>) = folders.iter().partition(|folder| folder.recursive);
    // `chown -R` goes into a folder behind a link only when it ends in a slash.
    let behind_link = |folder: &&Folder| {
        let name = spelled(survey, &folder.path, place);
        if is_link(survey, &folder.path) { format!("{name}/") } else { name }
    };
    let within = |path: &str| deep.iter().any(|above| above.path != path && paths::within(path, &above.path));
    let mut names: Vec<String> = deep.iter().filter(|folder| !within(&folder.path)).map(behind_link).collect();
    names.extend(touched);
    if !names.is_empty() {
        let flag = if deep.is_empty() { "" } else { "-R " };
        commands.push(format!("chown {flag}{owner} {}", names.join(" ")));
    }
    let names: Vec<String> =
        flat.iter().filter(|folder| !within(&folder.path)).map(|folder| spelled(survey, &folder.path, place)).collect();
    if !names.is_empty() {
        commands.push(format!("chown {owner} {}", names.join(" ")));
    }
    commands
}

/// Whether the folder is there before the unit at `place`.
pub(super) fn exists(survey: &Survey<'_, '_>, path: &str, place: usize) -> bool {
    let distribution = matches!(
        survey.facts.family,
        Some(
            Family::Alpine
                | Family::Debian
                | Family::Ubuntu
                | Family::Rhel
                | Family::Fedora
                | Family::Amazon
                | Family::Suse
        )
    );
    if distribution && matches!(path, "/root" | "/home" | "/opt" | "/srv") {
        return true;
    }
    let below = survey.below.len();
    survey.all().take(below + place).any(|unit| match unit.instruction.keyword {
        Keyword::Workdir => {
            survey.model.workdir(unit.index + 1).is_some_and(|at| crate::model::paths::within(at, path))
        }
        Keyword::Copy | Keyword::Add => survey.copied(unit).is_some_and(|copied| {
            copied.to.as_deref().is_some_and(|to| {
                let folder = if copied.folder { to } else { crate::model::paths::parent(to) };
                crate::model::paths::within(folder, path)
            })
        }),
        Keyword::Run => {
            let text = &unit.instruction.args.text;
            text.contains("mkdir")
                && text.contains(path)
                && survey.steps(unit).iter().any(|step| {
                    step.always
                        && step.program() == "mkdir"
                        && step
                            .args()
                            .iter()
                            .filter_map(|arg| step.path(arg))
                            .any(|made| crate::model::paths::within(&made, path))
                })
        }
        _ => false,
    })
}

/// The first unit from `place` on whose RUN makes the folder.
fn made_from(survey: &Survey<'_, '_>, path: &str, place: usize) -> Option<usize> {
    survey.units.iter().enumerate().skip(place).find_map(|(at, unit)| {
        let makes = unit.instruction.keyword == Keyword::Run
            && unit.instruction.args.text.contains("mkdir")
            && survey.steps(unit).iter().any(|step| {
                step.program() == "mkdir"
                    && step.args().iter().filter(|arg| !arg.starts_with('-')).any(|arg| step.is_at(arg, path))
            });
        makes.then_some(at)
    })
}

/// Whether a RUN makes this path as a link.
pub(super) fn is_link(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.all().filter(|unit| unit.instruction.keyword == Keyword::Run && unit.text().contains("ln ")).any(|unit| {
        survey
            .steps(unit)
            .iter()
            .filter(|step| step.program() == "ln")
            .any(|step| step.args().last().and_then(|to| step.path(to)).is_some_and(|to| to == path))
    })
}

/// The folder that a link shows which a RUN makes in this place, where nothing was before.
fn shows(survey: &Survey<'_, '_>, path: &str) -> Option<String> {
    survey.units.iter().enumerate().find_map(|(at, unit)| {
        let steps = survey.steps(unit);
        let (link, target) =
            steps.iter().find_map(|step| Some((step, linked(step).filter(|(to, _)| to == path)?.1)))?;
        let makes = |step: &Step| step.program() == "mkdir" && step.args().iter().any(|arg| step.reaches(arg, path));
        (link.always && !exists(survey, path, at) && !steps.iter().any(makes)).then_some(target)
    })
}

/// The link that `ln` makes of one thing, and what it shows, which a link sees from its own folder.
pub(super) fn linked(step: &Step) -> Option<(String, String)> {
    let (target, link) = step.link()?;
    // Into a folder, it goes under its own name; a pattern is found by a shell.
    if link.ends_with('/') || !paths::plain(target) || target.contains(['*', '?', '~']) {
        return None;
    }
    let link = step.path(link)?;
    let target = paths::join(paths::parent(&link), target);
    (target != link).then_some((link, target))
}
