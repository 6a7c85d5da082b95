//! What becomes of the commands of a RUN: each stays in the builder, or the runtime stage has it too.

mod copied;
mod databases;
mod installs;
mod kept;
mod local;
mod repeated;
mod text;
mod users;

use crate::knowledge::releases::Manager;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Store};
use crate::model::paths;
use crate::span::Span;
use crate::syntax::shell::{Item, Operator};
use crate::transform::Refusal;

use super::plan::{Carried, Decision, Place, Recipe, in_builder, is_build_setting, mentions};
use super::survey::{Survey, Unit, refuse};
use super::{globals, helpers, shared, stores};

use copied::{
    copy_over, in_root_copy, in_system, is_compiler, is_owned, is_update, leftovers, links_from, made_here,
    names_build_tool, only_for_the_build, works_on_carried,
};
use databases::{fills_database, starts_database, waits};
pub(super) use installs::quoted;
use installs::{asks, assigned, install_text, taken_away, takes_node, wanted};
use kept::{define, follows, has_ruby, looks_up, move_along, names_relative};
pub(super) use kept::{no_files, services};
pub(super) use local::{PACKAGE_MAKERS, made_archive};
use local::{built_packages, computed, left_behind, local_packages};
use repeated::{fed, feeds, for_the_program, installs_file, moved_to_archives, nameless, scratches};
pub(super) use repeated::{for_installing, repeats};
use text::{at_home, chunk_text, chunks, compound, layout, loose};
pub(super) use users::nobodys;

/// A command that the runtime stage runs too.
struct Kept {
    text: String,
    /// Whether what follows it runs even where it fails.
    loose: bool,
    /// Whether it installs packages.
    installs: bool,
    /// Whether it tells the package manager of another archive.
    archive: bool,
    /// The piece of the script that it is, by number.
    item: usize,
}

/// Decides for a RUN.
///
/// # Errors
/// Where work of the build and of the shipped image can't be taken apart.
pub(super) fn run(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    unknown: &mut Vec<String>,
) -> Result<Decision, Refusal> {
    if let Some(server) = unit.steps.iter().find(|step| starts_database(step)) {
        return fills_database(survey, recipe, unit, server);
    }
    let script = survey.model.script(unit.index);
    let items: &[Item] = script.map_or(&[], |script| script.list());
    let strict = unit.steps.iter().any(|step| {
        step.program() == "set"
            && step.args().iter().any(|arg| arg.starts_with('-') && arg.contains('e') || arg == "errexit")
    });
    let mut kept: Vec<Kept> = Vec::new();
    let mut after: Vec<String> = Vec::new();
    // What the commands write that come behind the copies.
    let mut behind: Vec<String> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut work = false;
    let mut updates = false;
    // Whether the builder stands on what the runtime stage has.
    let mut both = false;
    let mut lists = None;
    let gone = taken_away(survey, unit, None);

    for chunk in chunks(items, unit.steps) {
        let text = || at_home(survey, unit, chunk_text(survey, unit, items, chunk, &[]));
        let whole = chunk.len() > 1 || compound(items, chunk);
        let mut keep = false;
        let mut builds = false;
        let mut late = false;
        // Installs inside the piece that the runtime stage has with fewer packages.
        let mut fewer: Vec<(Span, String)> = Vec::new();
        let apart = |step: &Step| chunk.iter().filter(|other| other.span == step.span).count() == 1;
        for step in chunk {
            match effects::of(step) {
                Effect::Install(packages) if packages.names.iter().any(|name| computed(unit, name)) => {
                    let text = format!(
                        "the packages of line {} are computed by its own script, so which of them the shipped image \
                         needs can't be told",
                        unit.instruction.lines.0
                    );
                    return Err(refuse("entangled", text, false));
                }
                // A package that an earlier instruction makes or fetches is copied, and installed behind the copies.
                effect if !whole && built_packages(survey, recipe, unit, step, effect).is_some() => {
                    let files = built_packages(survey, recipe, unit, step, effect).unwrap_or_default();
                    for path in &files {
                        let evidence = format!("`{}` installs it", super::whole::shown(step));
                        let to = path.clone();
                        recipe.carried.push(Carried { from: path.clone(), to, owner: None, evidence });
                    }
                    recipe.before.extend(files.iter().map(|path| (unit.index, path.clone())));
                    let files = files.join(" ");
                    // What the package needs may not be there; settings that are stay.
                    let again = format!("dpkg -i --force-confold {files}");
                    kept.push(Kept {
                        text: format!("({again} || (apt-get update && apt-get install -y -f && {again}))"),
                        loose: loose(items, chunk, strict),
                        installs: false,
                        archive: false,
                        item: step.item,
                    });
                    reasons.push("the shipped image has the package".into());
                    recipe.programs.extend(["dpkg".into()]);
                    work = true;
                    builds = true;
                }
                Effect::Install(packages) if local_packages(survey, unit, step, &packages.names).is_some() => {
                    let text = format!(
                        "line {} installs {}, which the build makes or fetches, into the shipped image",
                        unit.instruction.lines.0,
                        local_packages(survey, unit, step, &packages.names).unwrap_or_default()
                    );
                    return Err(refuse("entangled", text, false));
                }
                // `apt-get -f install` ends what `dpkg -i` began.
                Effect::Install(packages) if packages.names.is_empty() && unit.steps.iter().any(installs_file) => {
                    keep = true;
                }
                Effect::Install(packages) => {
                    let gone = taken_away(survey, unit, Some(step));
                    let (mut wanted, mut all) = wanted(survey, recipe, unit, packages, &gone, step);
                    let node = |name: &String| helpers::is_node_package(packages.manager, name);
                    if packages.names.iter().any(|name| node(name) && !wanted.contains(name) && !gone.contains(name))
                        && !recipe.assumptions.iter().any(|text| text == helpers::NODE_BUNDLES)
                    {
                        recipe.assumptions.push(helpers::NODE_BUNDLES.into());
                    }
                    // What else the runtime stage needs joins the first list that is written anew.
                    let rewritten = || unit.steps.iter().any(|step| effects::of(step).is_work());
                    if packages.manager == Manager::Apt && !whole && (!all || rewritten()) {
                        let more = std::mem::take(&mut recipe.joining);
                        all &= more.iter().all(|name| packages.names.contains(name));
                        wanted.extend(more.into_iter().filter(|name| !packages.names.contains(name)));
                        wanted.dedup();
                    }
                    if wanted.is_empty() && whole && apart(step) {
                        fewer.push((step.span, "true".into()));
                        work = true;
                        continue;
                    }
                    if wanted.is_empty() {
                        builds = true;
                        continue;
                    }
                    reasons.push(format!("{} may be needed at run time", wanted.join(", ")));
                    recipe.installed.extend(wanted.iter().cloned());
                    if whole {
                        keep = true;
                        if !all && apart(step) {
                            fewer.push((step.span, install_text(step, packages.manager, &packages.names, &wanted)));
                            work = true;
                        } else {
                            builds |= !all;
                        }
                        continue;
                    }
                    // The smaller image may lack what the package depends on, which only apt-get installs.
                    let alone = recipe.smaller && installs_file(step);
                    // Nor was anybody asked about a package that the larger image has already.
                    let asks = recipe.smaller && all && asks(step, packages.manager);
                    work |= !all || alone || asks;
                    let text = match all {
                        true if alone => format!("apt-get install -y {}", wanted.join(" ")),
                        true if asks => install_text(step, packages.manager, &packages.names, &packages.names),
                        true => text(),
                        false => install_text(step, packages.manager, &packages.names, &wanted),
                    };
                    kept.push(Kept {
                        text,
                        loose: loose(items, chunk, strict),
                        installs: true,
                        // Some packages bring the address of an archive; then the file asks for its lists behind them.
                        archive: installs_file(step),
                        item: step.item,
                    });
                }
                Effect::Lists => {
                    updates |= is_update(step);
                    if !is_update(step) {
                        lists = Some(text());
                    }
                }
                // A key that is handed to the package manager has to be fetched first.
                Effect::Nothing if receives_key(step) && hands_on(survey, unit, step) => {
                    keep |= recipe.repositories;
                    both |= recipe.repositories;
                }
                // A package that the file makes is not to be brought up to date by the archive's.
                Effect::Nothing if step.program() == "apt-mark" && step.subcommand() == Some("hold") => {
                    let there = |name: &String| {
                        let file = |carried: &Carried| {
                            carried.to.ends_with(".deb") && paths::name(&carried.to).starts_with(name.as_str())
                        };
                        recipe.installed.contains(name) || recipe.carried.iter().any(file)
                    };
                    keep = step.operands().skip(1).all(|name| there(&name.to_owned()));
                }
                Effect::Remove(_) | Effect::Nothing => {}
                // The builder is new each time; what is shipped was brought up to date.
                Effect::Upgrade => {
                    keep = true;
                    reasons.push("the packages of the shipped image were brought up to date".into());
                }
                Effect::Repository if made_archive(survey, unit, step).is_some() => {
                    let text = format!(
                        "line {} installs {}, which the build makes, into the shipped image",
                        unit.instruction.lines.0,
                        made_archive(survey, unit, step).unwrap_or_default()
                    );
                    return Err(refuse("entangled", text, false));
                }
                Effect::Repository if helpers::is_node_archive(unit, step) && helpers::bundles(survey, recipe) => {
                    builds = true;
                }
                Effect::Repository if only_for_the_build(survey, unit, step) => builds = true,
                Effect::Repository => {
                    keep |= recipe.repositories || nameless(step);
                    // A package of libraries, of which the name says nothing, may be what is compiled against.
                    both |= step.program() == "dpkg";
                    reasons.push("the packages of the shipped image may come from there".into());
                }
                Effect::User => {
                    keep = true;
                    reasons.push("the shipped image has the user".into());
                }
                Effect::Configure if names_build_tool(step) => builds = true,
                // What is linked anew in the middle of a build is so again where its result is.
                Effect::Configure if whole && step.program() == "ldconfig" => {
                    builds = true;
                    if !recipe.carried.is_empty() {
                        recipe.finish.push("ldconfig".into());
                    }
                }
                // A Ruby that the file brings itself is copied as it is then.
                Effect::Configure if step.program() == "gem" && !has_ruby(survey) => builds = true,
                Effect::Configure => {
                    keep = true;
                    late |= matches!(step.program(), "ldconfig" | "fc-cache" | "update-ca-certificates")
                        && !recipe.carried.is_empty();
                    reasons.push(format!("`{}` sets up the system", step.program()));
                }
                // `ln -s /usr/bin/gcc-9 /usr/bin/gcc`: the compiler stays behind.
                Effect::Files(touched)
                    if matches!(step.program(), "ln" | "rm") && touched.iter().all(|path| is_compiler(path)) =>
                {
                    builds = true;
                }
                // A link from a known place: what it points to is the system's.
                Effect::Files(_) if !step.known && links_from(recipe, step) => {
                    keep = true;
                    late |= !recipe.carried.is_empty();
                    reasons.push("`ln` makes a link outside the build folders".into());
                }
                // `cd /lib/systemd/system/… && rm -f $name`: the runtime stage has the files of the system as well.
                Effect::Files(_) if !step.known && step.program() == "rm" && in_system(recipe, step) => {
                    keep = true;
                    reasons.push("`rm` works outside the build folders".into());
                }
                Effect::Files(_) if !step.known => {
                    builds = true;
                    let inside =
                        step.cwd.as_ref().is_some_and(|cwd| cwd != "/" && in_builder(&recipe.builder_folders, cwd));
                    if !inside {
                        note(unknown, &text());
                    }
                }
                Effect::Files(touched)
                    if step.program() == "rm" && touched.iter().any(|path| fed(survey, recipe, unit, path)) =>
                {
                    keep = true;
                }
                Effect::Files(touched)
                    if step.program() == "mkdir"
                        && touched
                            .iter()
                            .all(|path| !scratches(recipe, path) && for_the_program(survey, recipe, path)) =>
                {
                    // The folder that it lies in comes with the copies, so it is made behind them.
                    recipe.finish.push(format!("mkdir -p {}", touched.join(" ")));
                    builds = true;
                }
                Effect::Files(touched) => {
                    // Of a link's two ends only the link is made.
                    let made = match touched.as_slice() {
                        [_, link] if step.program() == "ln" => std::slice::from_ref(link),
                        all => all,
                    };
                    let outside = made.iter().any(|path| !in_builder(&recipe.builder_folders, path))
                        || step.program() == "mkdir"
                            && touched.iter().any(|path| for_the_program(survey, recipe, path));
                    // A folder for sources, of which nothing goes along.
                    let sources = step.program() == "mkdir"
                        && touched.iter().all(|path| {
                            ["/usr/local/src", "/usr/src", "/go/src"].iter().any(|folder| paths::within(path, folder))
                                && !recipe
                                    .carried
                                    .iter()
                                    .any(|carried| paths::within(&carried.to, path) || paths::within(path, &carried.to))
                        });
                    let outside = outside && !sources;
                    // A link into what stays behind would point nowhere.
                    let dangles = step.program() == "ln"
                        && touched.first().is_some_and(|source| {
                            in_builder(&recipe.builder_folders, source)
                                && !recipe.carried.iter().any(|carried| paths::within(source, &carried.to))
                        });
                    // What is taken away in the builder's folders is taken away there.
                    let others: Vec<String> =
                        touched.iter().filter(|path| !in_builder(&recipe.builder_folders, path)).cloned().collect();
                    // What a COPY into the root folder brings, it brings to the runtime stage as well.
                    let again = step.program() == "rm" && !recipe.sources_stay && in_root_copy(survey, unit, &others);
                    let removes = step.program() == "rm"
                        && !again
                        && (made_here(survey, unit, &others, !recipe.smaller) || leftovers(unit, step));
                    // A link in a folder that is copied comes along.
                    let brought = step.program() == "ln"
                        && step.args().last().and_then(|link| step.path(link)).is_some_and(|link| {
                            recipe.carried.iter().any(|carried| {
                                carried.from == carried.to
                                    && (paths::within(&link, &carried.to) || paths::within(&carried.to, &link))
                            })
                        });
                    if outside && !dangles && !removes && !brought && !is_owned(survey, recipe, step, touched) {
                        keep = true;
                        reasons.push(format!("`{}` works outside the build folders", step.program()));
                    } else {
                        // What is taken away need not be there: a piece that is kept for other commands may say so.
                        if whole && step.program() == "rm" {
                            work = true;
                        } else {
                            builds = true;
                        }
                    }
                }
                Effect::Writes(written) => {
                    let outside: Vec<String> = written
                        .iter()
                        .filter(|path| !in_builder(&recipe.builder_folders, path) && !is_build_setting(path))
                        .cloned()
                        .collect();
                    let edits = effects::edits(step);
                    if unit.steps.iter().any(|other| feeds(survey, recipe, unit, step, other)) {
                        keep = true;
                    } else if written.iter().any(|path| moved_to_archives(survey, path)) {
                        keep |= recipe.repositories;
                    } else if !outside.is_empty() && repeats(survey, recipe, unit, step) {
                        keep = true;
                        reasons.push(format!("`{}` puts files among those of the system", step.program()));
                    } else if outside.is_empty() || recipe.unpacked.contains(&step.span) {
                        builds = true;
                    } else if edits {
                        keep = true;
                        // Where these write is asked below, word by word; what they look up is not.
                        let plain = matches!(step.program(), "echo" | "printf" | "sed") && !looks_up(step);
                        late |= !plain && recipe.carried.iter().any(|carried| mentions(step, &carried.to));
                        reasons.push(format!("`{}` writes {}", step.program(), outside.join(", ")));
                    } else {
                        builds = true;
                        copy_over(survey, recipe, step, outside, unit)?;
                    }
                }
                Effect::Home(_) | Effect::Build if survey.downloads(step).is_some() => {
                    keep = true;
                    late = true;
                    reasons
                        .push("what it downloads lies in the home folder, and the program looks for it there".into());
                }
                // Without Node, which is taken away again, nothing starts what is installed for it.
                Effect::Store(Store::Modules) if recipe.globals && takes_node(survey, &gone) => builds = true,
                Effect::Store(Store::Modules) if recipe.globals => {
                    let names = globals::named(survey, unit, step);
                    // What is copied with others that are needs no second install.
                    let names = names.filter(|_| !globals::copied(survey, recipe, step));
                    match names.and_then(|names| globals::again(survey, recipe, step, &names)) {
                        Some(text) if !whole => {
                            reasons.push(format!("the shipped image starts what `{text}` installs"));
                            recipe.programs.extend([step.program().to_owned()]);
                            let item = step.item;
                            work |= text.split(' ').count() < step.argv.len();
                            let loose = loose(items, chunk, strict);
                            let text = assigned(step, text);
                            kept.push(Kept { text, loose, installs: false, archive: false, item });
                        }
                        Some(_) => keep = true,
                        None => builds = true,
                    }
                }
                Effect::Build | Effect::Fetch(_) | Effect::Store(_) | Effect::Home(_) => builds = true,
                Effect::Unknown
                    if step.cwd.is_none() && matches!(step.kind(), "git" | "unpack" | "download" | "copy") =>
                {
                    let text = format!(
                        "where `{}` in line {} puts things can't be told: the folder that it works in is given by a \
                         variable that the file doesn't set",
                        super::whole::shown(step),
                        unit.instruction.lines.0
                    );
                    return Err(refuse("unknown-path", text, false));
                }
                Effect::Unknown if step.program().starts_with('$') && !step.program().contains('(') => {
                    let text = format!(
                        "what `{}` in line {} runs can't be told: the variable has no value in the file",
                        super::whole::shown(step),
                        unit.instruction.lines.0
                    );
                    return Err(refuse("entangled", text, false));
                }
                Effect::Unknown => {
                    // What lies among the system's programs is a package's, whatever way it is called.
                    let packaged = |program: &String| {
                        ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].contains(&paths::parent(program))
                            && !survey.copied_file(program)
                    };
                    let script = step.argv.first().is_some_and(|program| {
                        (program.contains('/') && !packaged(program)) || program.ends_with(".sh")
                    }) || matches!(step.program(), "sh" | "bash" | "ash" | "dash" | "");
                    let inside = step.cwd.as_ref().is_some_and(|cwd| in_builder(&recipe.builder_folders, cwd));
                    // In a pipeline it hands something to the others: to fetch, most likely.
                    let piped = chunk.len() > 1
                        && chunk
                            .iter()
                            .any(|other| matches!(other.kind(), "download" | "unpack") || other.program() == "xargs");
                    if script || inside || piped || recipe.toolchain_variables.len() > 1 {
                        builds = true;
                        if !inside && stores::aws(step).is_none() {
                            note(unknown, &text());
                        }
                    } else {
                        // A program of a package, most likely: it sets something up.
                        keep = true;
                        // What comes before everything that is made can't need any of it.
                        let first = survey.units.iter().take_while(|other| other.index <= unit.index).any(|other| {
                            other.copy.is_some()
                                || other.steps.iter().any(|other| match effects::of(other) {
                                    Effect::Build | Effect::Store(_) | Effect::Fetch(_) | Effect::Writes(_) => true,
                                    Effect::Install(_) => other.span.start < step.span.start,
                                    _ => false,
                                })
                        });
                        late |= !recipe.carried.is_empty() && first;
                        reasons.push(format!("`{}` may set up the system", step.program()));
                    }
                }
            }
        }
        work |= builds;
        if !keep {
            continue;
        }
        if builds && whole {
            let text = format!(
                "line {} builds and sets up the shipped image in one compound command; split it in two",
                unit.instruction.lines.0
            );
            return Err(refuse("entangled", text, false));
        }
        if let Some(path) = left_behind(survey, recipe, unit, chunk) {
            let text = format!(
                "line {} sets up the shipped image with {path}, which only the builder has",
                unit.instruction.lines.0
            );
            return Err(refuse("entangled", text, false));
        }
        if let Some((owner, script)) = chunk.iter().find_map(|step| nobodys(survey, step)) {
            let text = format!(
                "line {} names {owner}, whom no instruction makes; `{script}` may, and what it does is not there to read",
                unit.instruction.lines.0
            );
            return Err(refuse("built-by-a-script", text, true));
        }
        let written = chunk_text(survey, unit, items, chunk, &fewer);
        let mut text = at_home(survey, unit, written.clone());
        // Root makes it in the runtime stage.
        let user = survey.model.user(unit.index).map(|user| user.text.clone());
        let user =
            user.filter(|user| !user.contains('$') && !matches!(user.split(':').next(), Some("root" | "0" | "")));
        if let ([only], Some(user)) = (chunk, user)
            && let Effect::Files(made) = effects::of(only)
            && only.program() == "mkdir"
            && !whole
            && only.known
            && !written.contains("sudo")
        {
            // What `mkdir -p` makes above it is the user's as well.
            let home = survey.model.own_home(unit.index);
            let above = only.args().iter().any(|arg| arg.starts_with("-p") || arg == "--parents");
            let first = |path: &String| {
                let rest = home.as_deref().filter(|_| above).and_then(|home| paths::relative(path, home))?;
                let (first, _) = rest.split_once('/')?;
                Some(paths::join(home.as_deref()?, first))
            };
            let tops: Vec<String> = made.iter().filter_map(first).collect();
            let (option, folders) = if tops.len() == made.len() { ("-R ", &tops) } else { ("", made) };
            text = format!("{text} && chown {option}{user} {}", folders.join(" "));
        }
        work |= text != written;
        recipe.programs.extend(chunk.iter().map(|step| step.program().to_owned()));
        // What works on what is copied comes behind the copies.
        late |= !chunk.iter().any(|step| matches!(effects::of(step), Effect::Install(_) | Effect::Upgrade))
            && (chunk.iter().any(|step| works_on_carried(recipe, step))
                || recipe.finish.iter().chain(&after).any(|text| chunk.iter().any(|step| follows(step, text)))
                || behind.iter().any(|path| chunk.iter().any(|step| waits(step) && mentions(step, path))));
        if late {
            behind.extend(chunk.iter().flat_map(|step| match effects::of(step) {
                Effect::Writes(written) => written.clone(),
                _ => Vec::new(),
            }));
            // The commands behind the copies run where the runtime stage works.
            let item = chunk.first().map_or(0, |step| step.item);
            let home = chunk.iter().any(|step| survey.downloads(step).is_some());
            let cwd = chunk.iter().find(|step| home || names_relative(step)).and_then(|step| step.cwd.as_deref());
            // What it forgives, or where it ends, is its own: others stand beside it now.
            let forgives = |step: &Step| items.get(step.item).is_some_and(|item| item.operator == Operator::Or);
            let apart = chunk.iter().any(forgives) && !text.starts_with('(');
            let text = if apart { format!("({text})") } else { text };
            let mut pieces = vec![Kept { text, loose: false, installs: false, archive: false, item }];
            if let Some(cwd) = cwd.filter(|cwd| Some(*cwd) != survey.model.final_workdir(survey.stage)) {
                pieces
                    .insert(0, Kept { text: format!("cd {cwd}"), loose: false, installs: false, archive: false, item });
            }
            define(survey, recipe, unit, items, &mut pieces)?;
            let texts: Vec<String> = pieces.into_iter().map(|piece| piece.text).collect();
            after.push(texts.join(" && "));
        } else {
            let installs = chunk.iter().any(|step| matches!(effects::of(step), Effect::Install(_) | Effect::Upgrade));
            let item = chunk.first().map_or(0, |step| step.item);
            let archive =
                chunk.iter().any(|step| matches!(effects::of(step), Effect::Repository) || installs_file(step));
            kept.push(Kept { text, loose: loose(items, chunk, strict), installs, archive, item });
        }
    }
    move_along(survey, unit, &mut kept);
    define(survey, recipe, unit, items, &mut kept)?;
    recipe.repositories |= kept.iter().any(|kept| kept.installs) && helpers::has_archives(survey, recipe);
    for text in after {
        if !recipe.finish.contains(&text) {
            recipe.finish.push(text);
            work = true;
        }
    }
    if kept.is_empty() {
        return Ok(Decision { place: Place::Builder, evidence: "it is work for the build".into() });
    }
    reasons.dedup();
    let evidence = reasons.join("; ");
    let installs = kept.iter().position(|kept| kept.installs);
    let apt = installs.is_some()
        && unit.steps.iter().any(|step| {
            matches!(step.program(), "apt-get" | "apt" | "aptitude") || recipe.smaller && installs_file(step)
        });
    // An `apk add` that doesn't fetch the lists itself needs them from the same stage.
    let listless = kept.iter().position(|kept| lacks_lists(&kept.text)).filter(|at| {
        let before = survey.units.iter().take_while(|other| other.index <= unit.index);
        let asked = before.flat_map(|unit| unit.steps).any(|step| step.program() == "apk" && is_update(step));
        asked && !kept.iter().take(*at).any(|kept| kept.text.contains("apk update"))
    });
    if let Some(at) = listless.filter(|_| work || !updates) {
        // What brings packages up to date asks the lists as well.
        let upgrade = kept.iter().position(|kept| kept.text.contains("apk upgrade"));
        let at = upgrade.map_or(at, |upgrade| upgrade.min(at));
        let item = kept.get(at).map_or(0, |kept| kept.item);
        let text = "apk update".into();
        kept.insert(at, Kept { text, loose: false, installs: false, archive: false, item });
        work = true;
    }
    if !work && (updates || !apt) {
        // A run-time package may be used by the build as well, so the instruction stays where it installs anything.
        let both = both || installs.is_some() || shared::builder_needs(survey, recipe, unit);
        let place = if both { Place::Both } else { Place::Runtime };
        return Ok(Decision { place, evidence });
    }
    if let (Some(at), true) = (installs, apt) {
        let item = kept.get(at).map_or(0, |kept| kept.item);
        kept.insert(at, Kept { text: "apt-get update".into(), loose: false, installs: false, archive: false, item });
        let clean = lists
            .clone()
            .filter(|text| text.starts_with("rm "))
            .unwrap_or_else(|| "rm -rf /var/lib/apt/lists/*".into());
        // The packages of an archive are known once its list is there: where the file asks for it, so do we.
        let asked = |from: usize, to: usize| {
            unit.steps.iter().any(|step| {
                (from..to).contains(&step.item) && matches!(effects::of(step), Effect::Lists) && is_update(step)
            })
        };
        let mut new = None;
        let mut place = at + 1;
        while let Some(one) = kept.get(place) {
            let item = one.item;
            let needs = one.installs && new.is_some_and(|archive| asked(archive, item));
            if needs {
                new = None;
            } else if one.archive {
                new = Some(item);
            }
            if needs {
                let text = "apt-get update".into();
                kept.insert(place, Kept { text, loose: false, installs: false, archive: false, item });
                place += 1;
            }
            place += 1;
        }
        // What stays as it is may install from these lists.
        let installs =
            |unit: &Unit<'_>| unit.steps.iter().position(|step| matches!(effects::of(step), Effect::Install(_)));
        let between = survey
            .units
            .iter()
            .take(recipe.last_build + 1)
            .any(|later| later.index > unit.index && installs(later).is_some());
        let next = survey.units.iter().skip(recipe.last_build + 1).find_map(|unit| Some((unit, installs(unit)?)));
        let bare = !between
            && next.is_some_and(|(unit, at)| {
                !unit.steps.iter().take(at).any(|step| matches!(effects::of(step), Effect::Lists) && is_update(step))
            });
        if bare {
            kept.retain(|kept| !kept.text.contains("/var/lib/apt/lists"));
        } else if !kept.iter().any(|kept| kept.text.contains("/var/lib/apt/lists")) {
            kept.push(Kept { text: clean, loose: false, installs: false, archive: false, item: usize::MAX });
        }
    }
    // Other package managers than apt are asked to tidy up where the file does so.
    if let Some(text) = lists.filter(|_| work && !apt && installs.is_some())
        && !kept.iter().any(|kept| kept.text == text)
        && (text.contains("clean") || text.starts_with("rm ") && text.contains("/var/cache/"))
    {
        kept.push(Kept { text, loose: false, installs: false, archive: false, item: usize::MAX });
    }
    kept.dedup_by(|a, b| a.text == b.text);
    Ok(Decision { place: Place::BuilderAnd(format!("RUN {}", layout(survey, unit, items, &kept))), evidence })
}

/// Whether a command fetches a key into the ring of who runs it.
fn receives_key(step: &Step) -> bool {
    step.program().starts_with("gpg")
        && step.args().iter().any(|arg| arg.starts_with("--recv-key") || arg == "--import")
}

/// Whether this instruction, or a later one, hands the key on that a command fetches into that ring.
fn hands_on(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> bool {
    let later = survey.units.iter().skip_while(|other| other.index != unit.index);
    // One key has numbers of several lengths. What is read from a file or a pipe may be any.
    let number = |word: &&String| {
        let digits = word.trim_start_matches("0x");
        digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let numbers = |step: &Step| -> Vec<String> {
        step.args().iter().filter(number).map(|word| word.trim_start_matches("0x").to_ascii_uppercase()).collect()
    };
    let fetched = numbers(step);
    later.flat_map(|unit| unit.steps).filter(|other| exports_key(other)).any(|other| {
        let handed = numbers(other);
        fetched.is_empty()
            || handed.is_empty()
            || fetched.iter().any(|one| handed.iter().any(|other| one.ends_with(other) || other.ends_with(one)))
    })
}

/// Whether a command writes a key out of that ring.
fn exports_key(step: &Step) -> bool {
    step.program().starts_with("gpg") && step.args().iter().any(|arg| arg.starts_with("--export"))
}

/// Whether a text installs packages of Alpine by lists that have to be there.
fn lacks_lists(text: &str) -> bool {
    let words = || text.split_ascii_whitespace();
    let fetches = |word: &str| {
        matches!(word, "--no-cache" | "--update" | "--update-cache" | "--upgrade")
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['U', 'u'])
    };
    words().any(|word| word == "apk") && words().any(|word| matches!(word, "add" | "upgrade")) && !words().any(fetches)
}

fn note(unknown: &mut Vec<String>, text: &str) {
    let shown: String = text.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
    if !shown.is_empty() && !unknown.contains(&shown) {
        unknown.push(shown);
    }
}
