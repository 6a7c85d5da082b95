//! What becomes of the commands of a RUN: each stays in the builder, or the runtime stage has it too.

use std::borrow::Cow;

use crate::knowledge::packages::{self, Role};
use crate::knowledge::releases::Manager;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect, Packages, Store};
use crate::model::paths;
use crate::span::Span;
use crate::surgery::comments_above;
use crate::syntax::Keyword;
use crate::syntax::shell::{self, Item, Node, Operator};
use crate::syntax::words::{self, Value};
use crate::transform::Refusal;

use super::plan::{Carried, Decision, Place, Recipe, in_builder, is_build_setting, mentions};
use super::programs::brings;
use super::survey::{Survey, Unit, refuse};
use super::{globals, helpers, libraries, linked, shared, stores, tidy};

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

/// Whether a command starts a server that keeps data.
fn starts_database(step: &Step) -> bool {
    const NAMES: [&str; 14] = [
        "mysql",
        "maria",
        "postgres",
        "pg_ctl",
        "mongo",
        "redis",
        "elastic",
        "neo4j",
        "slapd",
        "couch",
        "rabbitmq",
        "cassandra",
        "influx",
        "arango",
    ];
    let program = step.argv.first().map_or("", String::as_str);
    let service = step.kind() == "service" || program.starts_with("/etc/init.d/");
    let server = matches!(step.program(), "mysqld" | "mysqld_safe" | "mongod" | "postgres" | "slapd" | "redis-server");
    let asks = step.argv.iter().any(|arg| matches!(arg.as_str(), "stop" | "status" | "--version"));
    (service || server) && !asks && step.argv.iter().any(|arg| NAMES.iter().any(|name| arg.contains(name)))
}

/// Decides for a RUN that starts a server and puts data into it: both stages do so, where nothing is built by the way.
///
/// # Errors
/// Where something is: what the server keeps lies in folders that no command names.
fn fills_database(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    server: &Step,
) -> Result<Decision, Refusal> {
    let works = unit.steps.iter().any(|step| match effects::of(step) {
        Effect::Build | Effect::Store(_) | Effect::Fetch(_) => true,
        Effect::Install(packages) => packages.names.iter().any(|name| packages.role(name) == Role::Build),
        Effect::Unknown => step.argv.first().is_some_and(|program| {
            program.starts_with('.')
                || step.path(program).is_some_and(|path| in_builder(&recipe.builder_folders, &path))
        }),
        _ => step.cwd.as_ref().is_some_and(|cwd| cwd != "/" && in_builder(&recipe.builder_folders, cwd)),
    });
    let behind = left_behind(survey, recipe, unit, unit.steps);
    if works || behind.is_some() {
        let text = format!(
            "`{}` in line {} starts a server while the image is built, and what it keeps can't be told from what is \
             built",
            super::whole::shown(server),
            unit.instruction.lines.0
        );
        return Err(refuse("fills-a-database", text, true));
    }
    recipe.programs.extend(unit.steps.iter().map(|step| step.program().to_owned()));
    Ok(Decision { place: Place::Both, evidence: "it puts data into a server, which keeps it in the image".into() })
}

/// Whether a command works in a folder that is copied, or names a file of it.
fn works_on_carried(recipe: &Recipe, step: &Step) -> bool {
    let carried = |path: &str| {
        recipe.carried.iter().any(|carried| {
            let to = carried.to.trim_end_matches('/');
            !to.is_empty() && (paths::within(path, to) || path.contains('*') && paths::covers(path, to))
        })
    };
    let waits = waits(step);
    // A mode, an owner, a script of sed and what is printed are no files; the modules of `a2enmod` are none either.
    let skip = no_files(step);
    let local = |word: &&String| !word.starts_with('-') && !word.contains("://");
    let files = step.args().iter().filter(local).skip(skip);
    let named = files.clone();
    let relative = !matches!(effects::of(step), Effect::Configure)
        && files.chain(&step.outputs).any(|word| !word.starts_with(['/', '$', '~']));
    // What is copied over the whole system may bring the file.
    let over = || {
        let system = |path: String| {
            (paths::within(&path, "/usr") || paths::within(&path, "/etc"))
                && !super::whole::SYSTEM.contains(&path.as_str())
        };
        let sets = matches!(step.program(), "chmod" | "chown" | "chgrp" | "setcap" | "strip");
        let words = step.args().iter().filter(|_| sets).chain(&step.outputs);
        recipe.inserts.iter().any(|(at, text)| text.contains("/install") && *at <= step.span.start as usize)
            && words.filter_map(|word| step.path(word)).any(system)
    };
    // A file beside what is copied lies in a folder that comes with it.
    let beside = || {
        step.program() == "touch"
            && step.args().iter().filter_map(|word| step.path(word)).any(|path| {
                let folder = paths::parent(&path);
                !super::whole::SYSTEM.contains(&folder)
                    && recipe.carried.iter().any(|carried| paths::within(&carried.to, folder))
            })
    };
    // `a2ensite shop` reads `sites-available/shop.conf`.
    let enabled = || {
        step.program().starts_with("a2en") && recipe.carried.iter().any(|carried| follows(step, &carried.to))
            || services(step).any(|path| carried(&path))
    };
    waits
        && (beside()
            || enabled()
            || over()
            || relative && step.cwd.as_deref().is_some_and(|cwd| cwd != "/" && carried(cwd))
            || step
                .argv
                .first()
                .into_iter()
                .chain(named)
                .chain(&step.outputs)
                .any(|word| word.contains('/') && step.path(word).is_some_and(|path| carried(&path))))
}

/// Whether a command may come behind the copies. A user has to be there before what is copied can be his.
fn waits(step: &Step) -> bool {
    match effects::of(step) {
        Effect::Files(_) => step.program() != "mkdir",
        Effect::Writes(_) | Effect::Configure | Effect::Unknown => true,
        _ => false,
    }
}

/// Whether a command stands on a file that `text`, which comes behind the copies, names: it can't come before it.
/// `a2ensite shop` reads `sites-available/shop.conf`. A folder is made anew where it is needed.
fn follows(step: &Step, text: &str) -> bool {
    if !waits(step) || text.starts_with("mkdir ") {
        return false;
    }
    if services(step).any(|path| text.contains(&path)) {
        return true;
    }
    if step.program().starts_with("a2en") {
        return step.args().iter().any(|arg| text.contains(&format!("/{}.conf", arg.trim_end_matches(".conf"))));
    }
    let words = || text.split_ascii_whitespace().map(|word| word.trim_matches(['"', '\'', ';', '>', '(', ')']));
    step.argv.iter().skip(1).filter(|word| word.starts_with('/') && !paths::parent(word).is_empty()).any(|word| {
        paths::parent(word) != "/"
            && !super::whole::SYSTEM.contains(&word.as_str())
            && words().any(|other| other == word)
    })
}

/// The scripts and units that may be meant by the service that a command sets up: `update-rc.d nginx defaults`.
pub(super) fn services(step: &Step) -> impl Iterator<Item = String> {
    let sets = matches!(step.program(), "update-rc.d" | "chkconfig" | "rc-update" | "insserv" | "systemctl");
    let names = step.args().iter().filter(move |word| sets && !word.starts_with('-') && !word.contains(['/', '$']));
    names.flat_map(|name| {
        let unit = name.trim_end_matches(".service");
        [
            format!("/etc/init.d/{unit}"),
            format!("/etc/systemd/system/{unit}.service"),
            format!("/lib/systemd/system/{unit}.service"),
            format!("/usr/lib/systemd/system/{unit}.service"),
        ]
    })
}

/// Whether a word is what another command finds among the files: `echo "zend_extension=$(find /usr -name bfr.so)"`.
fn looks_up(step: &Step) -> bool {
    step.argv.iter().any(|word| (word.contains("$(") || word.contains('`')) && word.contains('/'))
}

/// How many of a command's operands name no files: a mode, an owner, a script of sed, and all that is printed.
pub(super) fn no_files(step: &Step) -> usize {
    match step.program() {
        "chmod" | "chown" | "chgrp" | "sed" => 1,
        "echo" | "printf" => usize::MAX,
        // `tar xvf archive`: the options need no dash.
        "tar" if step.args().first().is_some_and(|word| !word.starts_with('-')) => 1,
        _ => 0,
    }
}

/// Whether a command names files by the folder that it runs in.
fn names_relative(step: &Step) -> bool {
    // A download is put where the command runs, unless it is told a path.
    let fetches = step.kind() == "download"
        && matches!(effects::of(step), Effect::Repository)
        && !step.args().iter().any(|arg| arg.starts_with("/etc/") || arg.starts_with("/usr/"));
    if fetches {
        return true;
    }
    let files = matches!(effects::of(step), Effect::Files(_) | Effect::Writes(_) | Effect::Unknown | Effect::Configure);
    // What sets up the system is mostly told names, of modules and sites, and no files.
    let names = matches!(effects::of(step), Effect::Configure);
    let named = |word: &String| {
        !word.starts_with(['/', '-', '$', '~']) && !word.contains("://") && (!names || word.contains('/'))
    };
    let words = step.args().iter().filter(|word| !word.starts_with('-')).skip(no_files(step));
    step.outputs.iter().any(named) || files && words.into_iter().any(named)
}

/// Puts `cd` before commands that stay and that name files from a folder which the script has gone to.
fn move_along(survey: &Survey<'_, '_>, unit: &Unit<'_>, kept: &mut Vec<Kept>) {
    let Some(start) = survey.model.workdir(unit.index) else { return };
    let mut here = start.to_owned();
    let mut at = 0;
    while let Some(one) = kept.get(at) {
        let item = one.item;
        let loose = one.loose;
        let steps = || unit.steps.iter().filter(|step| step.item == item);
        let goes = steps().any(|step| matches!(step.program(), "cd" | "pushd" | "popd"));
        let wanted = steps().find(|step| names_relative(step)).and_then(|step| step.cwd.clone());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != here && !goes) {
            kept.insert(at, Kept { text: format!("cd {wanted}"), loose, installs: false, archive: false, item });
            here = wanted;
            at += 1;
        }
        at += 1;
    }
}

/// Whether Ruby comes with the base image, or may, or from packages that stay.
fn has_ruby(survey: &Survey<'_, '_>) -> bool {
    let image = survey.model.known(survey.stage);
    let ruby = |name: &String| name.starts_with("ruby") || name.starts_with("@ruby");
    let steps = || survey.units.iter().flat_map(|unit| unit.steps.iter().chain(unit.own));
    let any = |takes: &dyn Fn(&Effect) -> Option<bool>| steps().any(|step| takes(effects::of(step)) == Some(true));
    let installs = any(&|effect| match effect {
        Effect::Install(packages) => Some(packages.names.iter().any(ruby)),
        _ => None,
    });
    let removes = any(&|effect| match effect {
        Effect::Remove(packages) => Some(packages.names.iter().any(ruby)),
        _ => None,
    });
    image.is_none_or(|image| image.language() == Some("ruby")) || installs && !removes
}

/// Puts before the commands that stay the assignments of the same script that they read: `uid=1000`, `export uid=1000`.
///
/// # Errors
/// A command that stays reads a variable that gets its value in an `if`, a `case` or a loop, which does not.
fn define(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    unit: &Unit<'_>,
    items: &[Item],
    kept: &mut Vec<Kept>,
) -> Result<(), Refusal> {
    let reads = |text: &str, name: &str| {
        [format!("${name}"), format!("${{{name}")].iter().any(|mark| {
            text.match_indices(mark.as_str()).any(|(at, _)| {
                let after = text.as_bytes().get(at + mark.len());
                after.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
            })
        })
    };
    for (number, item) in items.iter().enumerate().rev() {
        let Node::Command(command) = &item.node else { continue };
        let exports =
            command.words.first().is_some_and(|word| matches!(word.raw.as_ref(), "export" | "declare" | "readonly"));
        if !exports && !command.words.is_empty() {
            continue;
        }
        let words = command.assignments.iter().chain(command.words.iter().skip(1));
        let names: Vec<String> = words
            .filter_map(|word| word.raw.split_once('='))
            .map(|(name, _)| name.to_owned())
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            .collect();
        let Some(first) = kept.iter().position(|kept| kept.item > number && kept.item != usize::MAX) else { continue };
        let proxy = |name: &str| ["http_proxy", "https_proxy"].iter().any(|proxy| name.eq_ignore_ascii_case(proxy));
        // What lists packages, or an archive's owner, in letters of many languages.
        let speaks = |name: &str| matches!(name, "LANG" | "LC_ALL" | "LC_CTYPE");
        let asks = names.iter().any(|name| for_installing(name) || proxy(name) || exports && speaks(name));
        let read = asks && kept.iter().skip(first).any(|kept| kept.installs)
            || kept.iter().skip(first).any(|kept| names.iter().any(|name| reads(&kept.text, name)));
        let there = kept.iter().any(|kept| kept.item == number);
        if names.is_empty() || !read || there {
            continue;
        }
        let text = one_line(survey, item.span.text(survey.model.file.source));
        recipe
            .programs
            .extend(unit.steps.iter().filter(|step| step.item == number).map(|step| step.program().to_owned()));
        kept.insert(
            first,
            Kept { text, loose: item.operator == Operator::Then, installs: false, archive: false, item: number },
        );
        // `wget -O version.txt … && VERSION=$(cat version.txt)`: the file is made first.
        let of = |number: usize| unit.steps.iter().filter(move |step| step.item == number);
        let files: Vec<String> = of(number)
            .filter(|step| step.program() == "cat")
            .flat_map(|step| step.operands().filter_map(|word| step.path(word)))
            .collect();
        let makes = |step: &Step| match effects::of(step) {
            Effect::Writes(made) | Effect::Fetch(made) => made.iter().any(|path| files.contains(path)),
            _ => step.outputs.iter().filter_map(|path| step.path(path)).any(|path| files.contains(&path)),
        };
        let maker = (0..number).rev().find(|earlier| of(*earlier).any(makes));
        if let Some((maker, item)) = maker.and_then(|at| Some((at, items.get(at)?)))
            && !kept.iter().any(|kept| kept.item == maker)
        {
            let text = one_line(survey, item.span.text(survey.model.file.source));
            recipe.programs.extend(of(maker).map(|step| step.program().to_owned()));
            let loose = item.operator == Operator::Then;
            kept.insert(first, Kept { text, loose, installs: false, archive: false, item: maker });
        }
    }
    for (number, item) in items.iter().enumerate() {
        if matches!(item.node, Node::Command(_)) || kept.iter().any(|kept| kept.item == number) {
            continue;
        }
        let source = item.span.text(survey.model.file.source);
        let sets = |text: &str, name: &str| {
            text.match_indices(&format!("{name}=")).any(|(at, _)| {
                at.checked_sub(1)
                    .and_then(|at| text.as_bytes().get(at))
                    .is_none_or(|byte| byte.is_ascii_whitespace() || b";&|(".contains(byte))
            })
        };
        let later = kept.iter().filter(|kept| kept.item > number && kept.item != usize::MAX);
        let lost = later.flat_map(|kept| words::reads(&kept.text, b'\\')).find(|name| {
            let stays = kept.iter().any(|kept| sets(&kept.text, name));
            sets(source, name) && !stays
        });
        if let Some(name) = lost {
            let text = format!(
                "what is left of line {} for the shipped image reads {name}, which is worked out in a part of it that \
                 is for the build",
                unit.instruction.lines.0
            );
            return Err(refuse("entangled", text, false));
        }
    }
    Ok(())
}

/// Whether packages read a variable as they are installed: how they ask their questions, and the answer to one.
pub(super) fn for_installing(name: &str) -> bool {
    ["DEBIAN_", "DEBCONF_", "ACCEPT_"].iter().any(|start| name.starts_with(start)) || name.contains("EULA")
}

/// Folders in which packages of the distribution have files of their own: what is added to them can't be copied apart.
const SHARED: [&str; 14] = [
    "/",
    "/usr",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/share",
    "/bin",
    "/sbin",
    "/lib",
    "/etc",
    "/var",
    "/var/lib",
    "/opt",
    "/home",
];

/// Whether a command unpacks an archive among the files of the system that the runtime stage can have as well: it comes
/// through a pipe, from a COPY or ADD, or from a download of the same RUN.
pub(super) fn repeats(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, step: &Step) -> bool {
    // Where the folders are known that it fills, they are copied.
    if recipe.unpacked.contains(&step.span) {
        return false;
    }
    let Effect::Writes(written) = effects::of(step) else { return false };
    let shared =
        written.iter().any(|path| SHARED.contains(&path.as_str()) && !in_builder(&recipe.builder_folders, path));
    if step.kind() != "unpack" || !shared || !step.always {
        return false;
    }
    let archives: Vec<String> = step.args().iter().filter_map(|arg| step.path(arg)).collect();
    let copied = || {
        survey.units.iter().filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            let Some(to) = copy.to.as_deref() else { return false };
            let names = copy.sources.iter().map(|source| paths::join(to, paths::name(source)));
            names.chain([to.to_owned()]).any(|path| archives.contains(&path))
        })
    };
    let fetched = || {
        unit.steps.iter().any(|other| {
            other.kind() == "download"
                && matches!(effects::of(other), Effect::Writes(paths) if paths.iter().any(|path| archives.contains(path)))
        })
    };
    step.piped.is_some() || copied() || fetched()
}

/// Whether it is `dpkg -i` of a package.
fn installs_file(step: &Step) -> bool {
    step.program() == "dpkg" && matches!(effects::of(step), Effect::Install(_))
}

/// Whether it is `dpkg -i` of a file whose name does not say what it is: `dpkg -i download`.
fn nameless(step: &Step) -> bool {
    step.program() == "dpkg" && step.operands().all(|file| !file.contains(".deb") && !file.contains(['*', '$']))
}

/// Whether a command of the RUN downloads this file.
fn downloads(unit: &Unit<'_>, path: &String) -> bool {
    unit.steps.iter().any(|step| {
        step.kind() == "download" && matches!(effects::of(step), Effect::Writes(written) if written.contains(path))
    })
}

/// Whether `step` downloads the archive that `other` unpacks or installs in the runtime stage too.
fn feeds(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, step: &Step, other: &Step) -> bool {
    // What neither writes nor installs can't take it: most commands need not be looked at any closer.
    matches!(effects::of(other), Effect::Writes(_) | Effect::Install(_) | Effect::Repository)
        && step.kind() == "download"
        && matches!(effects::of(step), Effect::Writes(paths) if paths.iter().any(|path| {
            other.args().iter().any(|arg| other.is_at(arg, path))
        }))
        && (repeats(survey, recipe, unit, other)
            || matches!(effects::of(other), Effect::Install(_))
            || (recipe.repositories || nameless(other)) && matches!(effects::of(other), Effect::Repository))
}

/// Whether a file is put where the package manager looks for the addresses and keys of its archives.
fn moved_to_archives(survey: &Survey<'_, '_>, path: &str) -> bool {
    survey.steps().any(|(_, other)| {
        matches!(other.kind(), "copy" | "install")
            && matches!(effects::of(other), Effect::Repository)
            && other.args().iter().any(|arg| other.is_at(arg, path))
    })
}

/// Whether a file is an archive that the runtime stage downloads too.
fn fed(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, path: &str) -> bool {
    let named = |step: &Step| step.args().iter().any(|arg| step.is_at(arg, path));
    if unit.steps.iter().any(|step| repeats(survey, recipe, unit, step) && named(step)) {
        return true;
    }
    unit.steps.iter().any(|step| {
        matches!(effects::of(step), Effect::Writes(paths) if paths.iter().any(|written| written == path))
            && unit.steps.iter().any(|other| feeds(survey, recipe, unit, step, other))
    })
}

/// Whether a folder in scratch space, or one of the application's own of which nothing is copied, is made for what runs:
/// nothing that builds works in it or names it, and nothing takes it away again. `mkdir -p /tmp/pids`
fn for_the_program(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
    let scratch = scratches(recipe, path);
    let own = |step: &Step| matches!(step.program(), "mkdir" | "chmod" | "chown" | "chgrp");
    // A copy of the whole project into the application's folder says nothing of this one.
    let mut copies = survey.units.iter().filter_map(|unit| unit.copy.as_ref());
    let filled = copies.any(|copy| {
        copy.to.as_deref().is_some_and(|to| {
            paths::within(to, path) || scratch && copy.is_whole() && to != "/" && paths::within(path, to)
        })
    });
    (scratch || for_the_application(survey, recipe, path))
        && paths::plain(path)
        && !filled
        && !survey.removed(recipe.last_build).iter().any(|gone| paths::covers(gone, path))
        && !survey.steps().take_while(|(at, _)| *at <= recipe.last_build).any(|(_, step)| {
            !own(step) && (mentions(step, path) || step.outputs.iter().any(|word| step.is_at(word, path)))
                || step.program() == "cd" && step.args().iter().any(|word| step.is_at(word, path))
        })
}

/// Whether a folder lies in scratch space where nothing is built.
fn scratches(recipe: &Recipe, path: &str) -> bool {
    ["/tmp", "/var/tmp", "/var/cache"].iter().any(|folder| path != *folder && paths::within(path, folder))
        && !recipe.builder_folders.iter().any(|folder| paths::within(path, folder))
}

/// Whether a folder lies below the one in which the program runs, where only files are copied that lie beside it and
/// nothing was built.
fn for_the_application(survey: &Survey<'_, '_>, recipe: &Recipe, path: &str) -> bool {
    // A workspace of Go is for building.
    const WORKSPACE: [&str; 3] = ["bin", "pkg", "src"];
    let Some(home) = survey.model.final_workdir(survey.stage) else { return false };
    let inside = paths::relative(path, home).and_then(|path| path.split('/').next());
    let worked = survey.steps().any(|(_, step)| step.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, path)));
    home != "/"
        && path != home
        && inside.is_some_and(|name| !WORKSPACE.contains(&name))
        && recipe.builder_folders.iter().any(|folder| paths::within(path, folder))
        && !worked
        && !recipe.carried.is_empty()
        && !recipe.carried.iter().any(|carried| {
            let from = paths::within(path, &carried.from) || paths::within(&carried.from, path);
            from || paths::within(path, &carried.to) || paths::within(&carried.to, path)
        })
}

fn note(unknown: &mut Vec<String>, text: &str) {
    let shown: String = text.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
    if !shown.is_empty() && !unknown.contains(&shown) {
        unknown.push(shown);
    }
}

/// The account that `chown` names, where no command makes it and no package or image is known by its name, with a script
/// of the project's that may make it.
pub(super) fn nobodys(survey: &Survey<'_, '_>, step: &Step) -> Option<(String, String)> {
    if step.program() != "chown" {
        return None;
    }
    let owner = step.args().iter().find(|arg| !arg.starts_with('-'))?;
    owner.split([':', '.']).find_map(|name| nobody(survey, name))
}

/// The account of this name, where no command makes it and no package or image is known by it, with a script or a Makefile
/// of the project's that may make it.
fn nobody(survey: &Survey<'_, '_>, name: &str) -> Option<(String, String)> {
    const THERE: [&str; 27] = [
        "root", "nobody", "nogroup", "daemon", "bin", "sys", "mail", "games", "www-data", "apache", "nginx", "mysql",
        "postgres", "wheel", "adm", "audio", "crontab", "dialout", "proxy", "shadow", "ssl-cert", "staff", "sudo",
        "syslog", "tty", "users", "utmp",
    ];
    let letters = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let number = name.bytes().all(|byte| byte.is_ascii_digit());
    // An image that is not known may have anybody.
    let image = survey.model.known(survey.stage)?;
    let shipped = image.users().any(|user| user.name == name);
    let made = survey.steps().any(|(_, other)| match effects::of(other) {
        Effect::User => other.argv.iter().any(|word| word.contains(name) || word.contains('$')),
        Effect::Install(packages) => packages.names.iter().any(|package| package.contains(name)),
        _ => false,
    });
    if !letters || number || shipped || made || THERE.contains(&name) {
        return None;
    }
    let script = survey.steps().map(|(_, step)| step).find(|step| {
        let unknown = matches!(effects::of(step), Effect::Unknown)
            && step.argv.first().is_some_and(|program| program.contains('/'));
        step.kind() != "setup" && (unknown || super::whole::is_build_script(step))
            || matches!(effects::of(step), Effect::Store(Store::Prefix))
    })?;
    Some((name.to_owned(), super::whole::shown(script)))
}

/// What commands read that the runtime stage will not have: a file that the build made, fetched or was given in a folder
/// that stays behind.
fn left_behind(survey: &Survey<'_, '_>, recipe: &Recipe, unit: &Unit<'_>, chunk: &[Step]) -> Option<String> {
    let reads = |step: &&Step| {
        matches!(effects::of(step), Effect::Repository | Effect::Configure | Effect::Writes(_) | Effect::Unknown)
    };
    chunk.iter().filter(reads).filter(|step| !repeats(survey, recipe, unit, step)).find_map(|step| {
        // What it writes itself is no reason, nor is the program.
        let own: &[String] = if let Effect::Writes(written) = effects::of(step) { written } else { &[] };
        step.args().iter().filter(|arg| arg.starts_with('/')).filter_map(|arg| step.path(arg)).find(|path| {
            let stays = in_builder(&recipe.builder_folders, path)
                && !paths::within(path, "/var/lib/apt")
                && !paths::within(path, "/var/cache");
            let goes = recipe
                .carried
                .iter()
                .any(|carried| paths::within(path, &carried.to) || paths::within(&carried.to, path));
            stays && !goes && !own.contains(path) && !fed(survey, recipe, unit, path)
        })
    })
}

/// A package among those of an install that is a file, and that no COPY brings.
fn local_packages(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step, names: &[String]) -> Option<String> {
    let file = |name: &&String| {
        !name.contains("://")
            && [".deb", ".rpm", ".apk"].iter().any(|end| name.ends_with(end))
            && !step.path(name).is_some_and(|path| survey.copied_file(&path) || downloads(unit, &path))
    };
    names.iter().find(file).cloned()
}

/// The package files that `dpkg -i` installs, where earlier instructions of the builder make or fetch them and nothing
/// takes them away.
fn built_packages(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    step: &Step,
    effect: &Effect,
) -> Option<Vec<String>> {
    let installs = step.program() == "dpkg"
        && step.args().iter().any(|arg| matches!(arg.as_str(), "-i" | "--install"))
        && matches!(effect, Effect::Install(_) | Effect::Repository);
    if !installs || !step.always || recipe.smaller {
        return None;
    }
    let removed = survey.removed(recipe.last_build);
    let earlier = || {
        let units = survey.units.iter().take_while(|other| other.index <= unit.index);
        units.flat_map(|unit| unit.steps).take_while(|other| other.span.start < step.span.start)
    };
    let made = |path: &str| {
        let folder = paths::parent(path).split('*').next().unwrap_or("/").trim_end_matches('/').to_owned();
        earlier().any(|other| match effects::of(other) {
            Effect::Writes(written) => written.iter().any(|written| written == path),
            Effect::Build | Effect::Fetch(_) | Effect::Store(_) => {
                !folder.is_empty() && other.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, &folder))
            }
            _ => false,
        })
    };
    let mut found = Vec::new();
    for file in step.args().iter().filter(|arg| !arg.starts_with('-')) {
        let path = step.path(file).filter(|path| paths::plain(path) && paths::name(path).ends_with(".deb"))?;
        // Two patterns for one folder may mean the same files.
        let stem = |path: &str| paths::name(path).split('*').next().unwrap_or_default().to_owned();
        let alike = |removed: &str| {
            removed.contains('*')
                && paths::parent(removed) == paths::parent(&path)
                && (stem(removed).starts_with(&stem(&path)) || stem(&path).starts_with(&stem(removed)))
        };
        let gone = removed
            .iter()
            .any(|removed| paths::covers(removed, &path) || paths::within(removed, &path) || alike(removed));
        let repository = ["release", "repo", "keyring", "archive", "apt-", "sources"];
        let named = repository.iter().any(|part| paths::name(&path).contains(part));
        if gone || named || survey.copied_file(&path) || downloads(unit, &path) || !made(&path) {
            return None;
        }
        found.push(path);
    }
    (!found.is_empty()).then_some(found)
}

/// Programs that make packages of a distribution.
pub(super) const PACKAGE_MAKERS: [&str; 5] = ["checkinstall", "debuild", "dpkg-buildpackage", "dpkg-deb", "fpm"];

/// A package file that `rpm -i` installs, or `dpkg -i` where the build makes packages, and that neither a COPY nor a download
/// brings.
pub(super) fn made_archive(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> Option<String> {
    let made = || survey.steps().any(|(_, step)| PACKAGE_MAKERS.contains(&step.program()));
    // `cd office-5.4/DEBS && dpkg -i *.deb`
    let pattern = || step.args().iter().any(|arg| arg.contains('*'));
    if step.program() != "rpm" && !(step.program() == "dpkg" && (made() || pattern())) {
        return None;
    }
    let earlier = || survey.units.iter().take_while(|other| other.index <= unit.index);
    let brought = |path: &str| {
        let folder = paths::parent(path);
        let copied = |unit: &Unit<'_>| {
            let copy = unit.copy.as_ref();
            copy.and_then(|copy| copy.to.as_deref()).is_some_and(|to| path.contains('*') && paths::within(folder, to))
        };
        survey.copied_file(path)
            || earlier().any(copied)
            || earlier().flat_map(|unit| unit.steps).any(|other| {
                other.kind() == "download"
                    && matches!(effects::of(other), Effect::Writes(written) if written.iter().any(|file| {
                        file == path || paths::covers(path, file) || path.contains('*') && paths::parent(file) == folder
                    }))
            })
    };
    let archives = ["release", "repo", "remi", "epel"];
    let files = step.args().iter().filter(|arg| {
        let name = paths::name(arg);
        (name.ends_with(".rpm") || name.ends_with(".deb"))
            && !arg.contains("://")
            && !arg.contains('$')
            && !archives.iter().any(|part| name.contains(part))
    });
    files.filter_map(|file| step.path(file)).find(|path| !brought(path))
}

/// Whether a package name is a variable that the script computes.
fn computed(unit: &Unit<'_>, name: &str) -> bool {
    let Some(variable) = name.strip_prefix('$') else { return false };
    let variable = variable.trim_matches(['{', '}']);
    unit.instruction.args.text.contains(&format!("{variable}=\"$("))
        || unit.instruction.args.text.contains(&format!("{variable}=$("))
}

/// What is written outside the folders that go along is copied on its own.
fn copy_over(
    survey: &Survey<'_, '_>,
    recipe: &mut Recipe,
    step: &Step,
    outside: Vec<String>,
    unit: &Unit<'_>,
) -> Result<(), Refusal> {
    let removed = survey.removed(survey.units.len());
    for path in outside {
        let gone = removed.iter().any(|removed| paths::covers(removed, &path));
        if gone
            || paths::within(&path, "/etc/apt")
            || recipe.carried.iter().any(|carried| paths::within(&path, &carried.from))
        {
            continue;
        }
        if SHARED.contains(&path.as_str()) && recipe.toolchain_variables.is_empty() {
            let text = format!(
                "`{}` in line {} writes into {path}, among the distribution's own files, which can't be copied apart",
                super::whole::shown(step),
                unit.instruction.lines.0
            );
            return Err(refuse("installs-among-system-files", text, false));
        }
        if path != "/" {
            let evidence = format!("`{}` writes it", step.program());
            recipe.carried.push(Carried { from: path.clone(), to: path, owner: None, evidence });
        }
    }
    Ok(())
}

/// Whether a change of owner is already in how the folders are copied.
fn is_owned(survey: &Survey<'_, '_>, recipe: &Recipe, step: &Step, touched: &[String]) -> bool {
    if step.program() != "chown" {
        return false;
    }
    // A folder that the file makes itself is made in the runtime stage too, and is not what is copied into it.
    let own_folders: Vec<&str> = survey
        .steps()
        .filter(|(_, other)| other.program() == "mkdir")
        .flat_map(|(_, other)| match effects::of(other) {
            Effect::Files(made) => made.as_slice(),
            _ => &[],
        })
        .map(String::as_str)
        .collect();
    touched.iter().all(|path| {
        in_builder(&recipe.builder_folders, path)
            || recipe.carried.iter().any(|carried| {
                carried.owner.is_some()
                    && (paths::within(path, &carried.to)
                        || paths::within(&carried.to, path) && !own_folders.contains(&path.as_str()))
            })
    })
}

/// Whether a command works among the files of the system, on names alone.
fn in_system(recipe: &Recipe, step: &Step) -> bool {
    step.cwd.as_deref().is_some_and(|cwd| stores::system(cwd) && !in_builder(&recipe.builder_folders, cwd))
        && step.args().iter().all(|arg| !arg.contains('/'))
}

/// Whether a command makes a link at a place that is known, outside what is copied, to something among the system's files
/// that is not known.
fn links_from(recipe: &Recipe, step: &Step) -> bool {
    let operands: Vec<&String> = step.args().iter().filter(|arg| !arg.starts_with('-')).collect();
    let [source, link] = operands.as_slice() else { return false };
    let outside = |path: &str| {
        !in_builder(&recipe.builder_folders, path)
            && !recipe.carried.iter().any(|carried| paths::within(path, &carried.to))
    };
    step.program() == "ln"
        && step.always
        && (["/usr/lib/", "/usr/share/"].iter().any(|folder| source.trim_matches('"').starts_with(folder))
            || looked_up(source).is_some_and(|program| !is_compiler(&paths::join("/usr/bin", program))))
        && !source.trim_matches('"').ends_with(".so")
        && !link.ends_with('/')
        && link.starts_with('/')
        && paths::plain(link)
        && outside(link)
}

/// The program that a word asks for the place of: `$(which pypy3)`, `` `command -v node` ``.
fn looked_up(word: &str) -> Option<&str> {
    let word = word.trim_matches('"');
    let script = word.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    let script = script.or_else(|| word.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')))?.trim();
    let program = ["which ", "command -v ", "type -p "].iter().find_map(|question| script.strip_prefix(question))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    let program = program.trim();
    (!program.is_empty() && program.bytes().all(plain)).then_some(program)
}

/// Whether a COPY of everything into the root folder brings all that is removed.
fn in_root_copy(survey: &Survey<'_, '_>, unit: &Unit<'_>, removed: &[String]) -> bool {
    let Some(context) = survey.model.context else { return false };
    let mut before = survey.units.iter().take_while(|other| other.index < unit.index);
    let there = |path: &String| {
        let inside = path.trim_start_matches('/');
        context.files().iter().any(|file| paths::within(file, inside))
    };
    before.any(|other| {
        other.copy.as_ref().is_some_and(|copy| copy.context && copy.is_whole() && copy.to.as_deref() == Some("/"))
    }) && !removed.is_empty()
        && removed.iter().all(there)
}

/// Whether `rm` takes away what a command before it, which builds, has left in the folder that both work in:
/// `pecl download redis && … && rm *.tgz`. In a stage without it there is nothing to take away, and `rm` would say so.
fn leftovers(unit: &Unit<'_>, step: &Step) -> bool {
    let forced = step.args().iter().any(|arg| arg == "--force" || !arg.starts_with("--") && is_flag(arg, 'f'));
    let builds = |other: &Step| {
        matches!(effects::of(other), Effect::Build | Effect::Fetch(_) | Effect::Store(_) | Effect::Unknown)
    };
    let before = unit.steps.iter().take_while(|other| other.span != step.span);
    !forced
        && step.cwd.as_deref().is_some_and(|cwd| !stores::system(cwd) && cwd != "/")
        && step.operands().all(|path| !path.starts_with(['/', '~', '$']))
        && before.filter(|other| other.cwd == step.cwd).any(builds)
}

/// Whether a word is short flags, and one of them this.
fn is_flag(word: &str, flag: char) -> bool {
    word.strip_prefix('-').is_some_and(|flags| flags.contains(flag))
}

/// Whether what is removed was made by a command of this stage.
fn made_here(survey: &Survey<'_, '_>, unit: &Unit<'_>, removed: &[String], same_base: bool) -> bool {
    // A server or a language that the base image has in /usr/local lies there in the runtime stage as well.
    let bare = survey
        .model
        .known(survey.stage)
        .is_some_and(|image| image.language().is_none() && image.kind() != crate::knowledge::images::Kind::Server);
    let scratch: &[&str] = if same_base && !bare {
        &["/tmp", "/var/tmp", "/root", "/usr/src", "/usr/local/src", "/usr/local/share/man", "/usr/local/share/doc"]
    } else {
        &["/tmp", "/var/tmp", "/root", "/usr/src", "/usr/local"]
    };
    // What comes later is not what is taken away here.
    let before = || survey.units.iter().take_while(|other| other.index <= unit.index);
    let made: Vec<&String> = before()
        .flat_map(|unit| unit.steps)
        .flat_map(|step| match effects::of(step) {
            Effect::Writes(paths) | Effect::Fetch(paths) => paths.as_slice(),
            _ => &[],
        })
        .collect();
    let copied: Vec<&str> =
        before().filter_map(|unit| unit.copy.as_ref()).filter_map(|copy| copy.to.as_deref()).collect();
    removed.iter().all(|path| {
        let stem = path.split(['*', '?', '[']).next().unwrap_or(path).trim_end_matches('/');
        let near = |other: &str| other.starts_with(stem) || stem.is_empty();
        made.iter().any(|other| near(other) || paths::within(stem, other) && *other != "/")
            || copied.iter().any(|other| *other != "/" && near(other))
            || !stores::system(path) && paths::parent(path) == "/"
            || matches!(
                paths::name(path),
                ".cache" | ".cargo" | ".gradle" | ".ivy2" | ".m2" | ".node-gyp" | ".npm" | ".nuget" | ".pip" | ".sbt"
            )
            || scratch.iter().any(|folder| paths::within(path, folder))
    })
}

/// Whether all that the file installs of an archive of packages, which has no others, is taken away again.
fn only_for_the_build(survey: &Survey<'_, '_>, unit: &Unit<'_>, step: &Step) -> bool {
    let same = || unit.steps.iter().filter(|other| other.item == step.item);
    let mut words = same().flat_map(|step| step.argv.iter().chain(&step.piped).chain(&step.outputs));
    let Some(packages) = words.find_map(|word| effects::archive(word)) else { return false };
    let mut found = false;
    let mut stays = false;
    for unit in &survey.units {
        for step in unit.steps {
            let Effect::Install(installed) = effects::of(step) else { continue };
            let gone = taken_away(survey, unit, Some(step));
            for name in installed.names.iter().map(|name| packages::bare(name)) {
                let listed = packages.split(' ').any(|package| package == name);
                found |= listed;
                stays |= listed && !gone.iter().any(|gone| packages::bare(gone) == name);
            }
        }
    }
    found && !stays
}

/// Whether a path is that of a compiler among the programs of the system, whatever its version.
fn is_compiler(path: &str) -> bool {
    const NAMES: [&str; 8] = ["c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gfortran"];
    let name = paths::name(path);
    let stem = name.split_once('-').map_or(name, |(stem, _)| stem);
    paths::parent(path).ends_with("/bin") && NAMES.contains(&stem)
}

/// Whether a command sets up a tool of the build: `update-alternatives --install /usr/bin/gcc …`.
fn names_build_tool(step: &Step) -> bool {
    step.program().starts_with("update-alternatives")
        && step.argv.iter().any(|arg| {
            let name = paths::name(arg);
            ["gcc", "g++", "cc", "c++", "clang", "cpp", "javac", "gcov", "gfortran", "cmake"]
                .iter()
                .any(|tool| name.starts_with(tool))
        })
}

fn is_update(step: &Step) -> bool {
    matches!(step.subcommand(), Some("update" | "makecache" | "upgrade" | "dist-upgrade" | "ref" | "refresh"))
}

/// The steps of a script, in pieces that can't be taken apart: a pipeline, a compound command, what `||` joins.
fn chunks<'s>(items: &[Item], steps: &'s [Step]) -> Vec<&'s [Step]> {
    // `[ "$ARCH" = amd64 ] && ln -s …` is one.
    let asks = |at: usize| {
        items.get(at).is_some_and(|item| {
            let test = match &item.node {
                Node::Command(command) => {
                    const QUESTIONS: [&str; 7] = ["[", "command", "getent", "grep", "test", "type", "which"];
                    command.words.first().is_some_and(|word| QUESTIONS.contains(&word.raw.as_ref()))
                }
                Node::Test(_) => true,
                _ => false,
            };
            test && item.operator == Operator::And
        })
    };
    let joined = |first: usize, second: usize| {
        first == second
            || first + 1 == second && asks(first)
            || items.get(first..second).is_some_and(|between| {
                !between.is_empty()
                    && between.iter().all(|item| matches!(item.operator, Operator::Or | Operator::Background))
            })
    };
    steps.chunk_by(|first, second| joined(first.item, second.item)).collect()
}

fn compound(items: &[Item], chunk: &[Step]) -> bool {
    chunk.first().and_then(|step| items.get(step.item)).is_some_and(|item| {
        !matches!(item.node, Node::Command(_)) || matches!(item.operator, Operator::Or | Operator::Background)
    })
}

/// Whether what follows a piece runs even where the piece fails.
fn loose(items: &[Item], chunk: &[Step], strict: bool) -> bool {
    !strict && chunk.last().and_then(|step| items.get(step.item)).is_some_and(|item| item.operator == Operator::Then)
}

/// A command with the home of who ran it written out: in the runtime stage root does, until everything is there.
fn at_home(survey: &Survey<'_, '_>, unit: &Unit<'_>, text: String) -> String {
    // What ENV says is so in both stages, whoever runs it.
    let said = matches!(survey.model.variable(unit.index, "HOME"), Value::Set(_));
    let asks = !said && (text.contains('~') || text.contains("HOME"));
    let Some(home) = survey.model.own_home(unit.index).filter(|_| asks) else { return text };
    let mut out = String::with_capacity(text.len() + home.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['~', '$']) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        let begins = out.is_empty() || out.ends_with([' ', '\t', '=', ':', '>']);
        let sign = ["~", "$HOME", "${HOME}"].into_iter().find(|sign| {
            mark.strip_prefix(sign).is_some_and(|after| {
                let ends = after.is_empty() || after.starts_with([' ', '/', '"', ';', ')', ':', '\n', '\t']);
                ends && (*sign != "~" || begins)
            })
        });
        let length = sign.map_or(1, str::len);
        out.push_str(if sign.is_some() { &home } else { mark.get(..1).unwrap_or_default() });
        rest = mark.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The source text of a piece, with other text at some places in it: on one line, but for the lines of a heredoc, which
/// stay as they are.
fn chunk_text(
    survey: &Survey<'_, '_>,
    unit: &Unit<'_>,
    items: &[Item],
    chunk: &[Step],
    others: &[(Span, String)],
) -> String {
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else { return String::new() };
    // The exec form has no script: its words are the command.
    if items.is_empty() {
        return first.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    }
    let mut span = match items.get(first.item) {
        Some(item) => item.span,
        None => first.span,
    };
    // What is asked before has no command of its own: `[[ $ARCH == amd64 ]] && …`.
    let asked = first.item.checked_sub(1).and_then(|before| items.get(before));
    if let Some(before) = asked.filter(|item| matches!(item.node, Node::Test(_)) && item.operator == Operator::And) {
        span.start = before.span.start;
    }
    // What follows the last `||` may hold no command that is read: `|| true` has one, `|| :` too.
    let mut end = last.item;
    while items.get(end).is_some_and(|item| matches!(item.operator, Operator::Or | Operator::Background))
        && end + 1 < items.len()
    {
        end += 1;
    }
    if let Some(item) = items.get(end) {
        span.end = item.span.end.max(span.end);
    }
    let source = survey.model.file.source;
    let mut text = String::new();
    let mut start = span.start;
    for (place, other) in others {
        text.push_str(Span { start, end: place.start }.text(source));
        text.push_str(other);
        start = place.end;
    }
    text.push_str(Span { start, end: span.end }.text(source));
    if !unit.instruction.runs_heredoc() {
        return one_line(survey, &text);
    }
    if let Some(item) = items.get(end) {
        text.push_str(documents(survey, &item.node, span.end).text(source));
    }
    text
}

/// The lines of the here-documents that a piece of a heredoc opens, from the end of the piece on; none where other commands
/// stand between.
fn documents(survey: &Survey<'_, '_>, node: &Node, from: u32) -> Span {
    fn names<'n>(node: &'n Node<'_>, found: &mut Vec<(bool, Cow<'n, str>)>) {
        match node {
            Node::Command(command) => {
                for redirect in command.redirects.iter().filter(|one| matches!(one.operator.as_ref(), "<<" | "<<-")) {
                    // What is read may hold the lines as well.
                    let name = shell::literal(redirect.target.raw.lines().next().unwrap_or_default());
                    found.extend(name.map(|name| (redirect.operator == "<<-", name)));
                }
            }
            Node::Pipeline(nodes) => nodes.iter().for_each(|node| names(node, found)),
            Node::Compound(_) | Node::Test(_) => {}
        }
    }
    let mut open = Vec::new();
    names(node, &mut open);
    let rest = Span { start: from, end: survey.model.file.source.len() as u32 }.text(survey.model.file.source);
    let mut end = from;
    let mut open = open.into_iter().peekable();
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        let Some((tabs, name)) = open.peek() else { break };
        let bare = line.trim_end_matches(['\r', '\n']);
        match number {
            0 if !bare.trim().is_empty() => return Span { start: from, end: from },
            0 => {}
            _ if bare == *name || *tabs && bare.trim_start_matches('\t') == *name => {
                open.next();
            }
            _ => {}
        }
        end += (if open.peek().is_some() { line.len() } else { bare.len() }) as u32;
    }
    Span { start: from, end }
}

/// A command over several lines as one. What stands in quotes keeps its blanks: they are its content.
fn one_line(survey: &Survey<'_, '_>, text: &str) -> String {
    let escape = char::from(survey.model.file.escape);
    let mut joined = String::new();
    let mut quote = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let ends = line.trim_end();
        let cut = ends.strip_suffix(escape).unwrap_or(ends);
        let (line, blank) = if quote.is_some() { (cut, "") } else { (cut.trim_start(), " ") };
        if !joined.is_empty() && !joined.ends_with(' ') {
            joined.push_str(blank);
        }
        quote = open_quote(line, quote);
        joined.push_str(if quote.is_some() { line } else { line.trim_end() });
        // A line of a heredoc ends where it ends.
        if quote.is_some() && cut.len() == ends.len() {
            joined.push(' ');
        }
    }
    let joined = joined.trim_end_matches([';', '&', ' ']);
    match is_list(joined) {
        true => joined.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        false => joined.to_owned(),
    }
}

/// Whether a text does nothing but give a variable words over several lines: the blanks between them are only layout.
fn is_list(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let words = ['\'', '"'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && words.is_some_and(|words| words.contains("  ") && !words.contains(['\'', '"', '`', '(', '=']))
}

/// The quote that is open at the end of a line, with the one that was open at its start.
fn open_quote(line: &str, mut open: Option<char>) -> Option<char> {
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, open) {
            ('\\', None | Some('"')) => {
                letters.next();
            }
            ('\'' | '"', None) => open = Some(letter),
            (_, Some(quote)) if letter == quote => open = None,
            _ => {}
        }
    }
    open
}

/// Commands as the lines of one RUN, in the manner of the instruction that they come from.
fn layout(survey: &Survey<'_, '_>, unit: &Unit<'_>, items: &[Item], kept: &[Kept]) -> String {
    let text = unit.instruction.span.text(survey.model.file.source);
    let escape = char::from(survey.model.file.escape);
    let eol = survey.model.file.eol.text();
    let leading = text.lines().skip(1).any(|line| line.trim_start().starts_with("&&"));
    let indent = text
        .lines()
        .skip(1)
        .find(|line| !line.trim().is_empty() && unit.instruction.heredocs.is_empty())
        .map(|line| line.get(..line.len() - line.trim_start().len()).unwrap_or(""))
        .filter(|indent| !indent.is_empty())
        .unwrap_or("    ");
    // What is said of a command holds for it as long as it is as it was.
    let said = |kept: &Kept| match items.get(kept.item).map(|item| item.span.text(survey.model.file.source)) {
        Some(text) if text == kept.text || one_line(survey, text) == kept.text => {
            let mut above = comments_above(survey.model.file, items, kept.item);
            // A line that goes on is a command or a word that somebody took out.
            let out = above.iter().rposition(|comment| comment.ends_with([escape, '&', ';'])).map_or(0, |at| at + 1);
            above.split_off(out)
        }
        _ => Vec::new(),
    };
    if unit.instruction.runs_heredoc()
        && let [heredoc] = unit.instruction.heredocs.as_slice()
    {
        // The opener, with the flags before it and what else stands on its line.
        let line = text.lines().next().unwrap_or_default();
        let opener = line.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim());
        let mut out = opener.to_owned();
        // How the shell takes failures is said at the start.
        let set = unit.steps.iter().take_while(|step| step.program() == "set");
        let mut lines: Vec<String> = set.map(|step| step.span.text(survey.model.file.source).to_owned()).collect();
        let mut before: Option<&Kept> = None;
        for command in kept {
            let above = before.filter(|before| before.item < command.item).and_then(|before| items.get(before.item));
            let joined = above.is_some_and(|item| item.operator == Operator::And);
            match lines.last_mut().filter(|_| joined) {
                Some(line) => line.push_str(&format!(" && {}", command.text)),
                None => {
                    lines.extend(said(command).into_iter().map(str::to_owned));
                    lines.push(command.text.clone());
                }
            }
            before = Some(command);
        }
        lines.push(heredoc.name.clone());
        for line in lines {
            out.push_str(eol);
            out.push_str(&line);
        }
        return out;
    }
    let many =
        text.lines().count() > 1 && kept.len() > 1 || kept.iter().map(|kept| kept.text.len() + 4).sum::<usize>() > 110;
    let mut out = String::new();
    for (at, command) in kept.iter().enumerate() {
        if at > 0 {
            let operator = if kept.get(at - 1).is_some_and(|before| before.loose) { ";" } else { "&&" };
            let said: String = said(command).iter().map(|comment| format!("{indent}{comment}{eol}")).collect();
            match (many, leading && operator == "&&") {
                (false, _) => out.push_str(if operator == ";" { "; " } else { " && " }),
                (true, true) => out.push_str(&format!(" {escape}{eol}{said}{indent}&& ")),
                (true, false) => out.push_str(&format!(" {operator} {escape}{eol}{said}{indent}")),
            }
        }
        if command.installs && many && command.text.len() > 90 {
            let mut width = 0;
            for (at, word) in command.text.split(' ').enumerate() {
                if at > 0 {
                    if width + word.len() > 90 {
                        out.push_str(&format!(" {escape}{eol}{indent}{indent}"));
                        width = indent.len() * 2;
                    } else {
                        out.push(' ');
                    }
                }
                out.push_str(word);
                width += word.len() + 1;
            }
        } else {
            out.push_str(&command.text);
        }
    }
    out
}

/// Whether an install command asks before it installs what a package depends on.
fn asks(step: &Step, manager: Manager) -> bool {
    let agrees = |word: &String| {
        matches!(word.as_str(), "--yes" | "--assume-yes" | "--assumeyes" | "--non-interactive" | "--noconfirm")
            || word.starts_with('-') && !word.starts_with("--") && word.contains(['y', 'q'])
            || word.contains("Assume-Yes")
    };
    matches!(manager, Manager::Apt | Manager::Yum) && !step.argv.iter().any(agrees)
}

/// An install command with other packages. Where it was one package without any of its own, nobody was asked; now they
/// would be.
fn install_text(step: &Step, manager: Manager, names: &[String], wanted: &[String]) -> String {
    let mut words: Vec<&str> = Vec::new();
    let asks = asks(step, manager);
    // What stands for a group is no group.
    let plain = wanted.iter().all(|name| !name.contains(' ') && !name.starts_with('@'));
    let mut given = false;
    let mut verb = false;
    let mut virtual_name = false;
    for word in step.argv.iter().map(String::as_str) {
        // A virtual package of apk is there to be deleted after the build.
        if std::mem::take(&mut virtual_name) {
            continue;
        }
        if manager == Manager::Apk && matches!(word, "--virtual" | "-t") {
            virtual_name = true;
            continue;
        }
        if word.starts_with("--virtual=") || word.starts_with("--virtual") && manager == Manager::Apk {
            continue;
        }
        if names.iter().any(|name| name == word) {
            // Where the first package stood, the new list stands.
            if !std::mem::replace(&mut given, true) {
                words.extend(wanted.iter().map(String::as_str));
            }
            continue;
        }
        // The verb once more is no package.
        if word == "install" && std::mem::replace(&mut verb, true) {
            continue;
        }
        // `yum group install "Development Tools"`
        if word == "group" && plain && manager == Manager::Yum {
            continue;
        }
        words.push(if word == "groupinstall" && plain { "install" } else { word });
        if asks && word == "install" {
            words.push("-y");
        }
    }
    assigned(step, words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// A command that is written anew, with the variables that stood before it.
fn assigned(step: &Step, text: String) -> String {
    step.assignments.iter().map(|assignment| format!("{assignment} ")).collect::<String>() + &text
}

/// A word as a shell reads it back.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%~$^{}".contains(c);
    // What a command answers stands as it is written.
    let asked = word.contains("$(") || word.contains('`');
    if asked || !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The names of packages that commands of this instruction, or later ones, take away again: with an install, behind it.
/// What makes room for it comes before: `apt-get remove -y nodejs && … && apt-get install -y nodejs`.
fn taken_away(survey: &Survey<'_, '_>, unit: &Unit<'_>, install: Option<&Step>) -> Vec<String> {
    let later = survey.units.iter().skip_while(|other| other.index != unit.index);
    // A function, which is written before it is called, may take away what comes behind.
    let before = |other: &&Step| {
        install.is_some_and(|install| other.always && other.span.start < install.span.start)
            && unit.steps.iter().any(|step| step.span == other.span)
    };
    later
        .flat_map(|unit| unit.steps)
        .filter(|step| !before(step))
        .filter_map(|step| match effects::of(step) {
            Effect::Remove(packages) => Some(packages.names.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The packages of an install that the runtime stage has too, and whether they are all of them.
fn wanted(
    survey: &Survey<'_, '_>,
    recipe: &Recipe,
    unit: &Unit<'_>,
    packages: &Packages,
    gone: &[String],
    step: &Step,
) -> (Vec<String>, bool) {
    let (manager, names) = (packages.manager, packages.names.as_slice());
    let group = tidy::virtual_name(step);
    // What is taken away again stays only where the runtime stage itself starts it.
    let taken = manager == Manager::Apk && group.is_some_and(|group| gone.iter().any(|name| name == group));
    let starts = |name: &str| packages.role(name) != Role::Build && started(survey, recipe, manager, name);
    let release = recipe.runtime.release.map(|release| release.name);
    let language = survey.model.known(survey.stage).and_then(|image| image.language());
    let mut found: Vec<String> = Vec::new();
    let mut all = true;
    // A group that `apk add --virtual` made is no package of the archive.
    let groups: Vec<&str> = match manager {
        Manager::Apk => survey.steps().filter_map(|(_, step)| tidy::virtual_name(step)).collect(),
        _ => Vec::new(),
    };
    // Who takes packages away again behind the build keeps the others on purpose.
    let sorted_out = unit.steps.iter().any(|step| {
        matches!(effects::of(step), Effect::Remove(gone)
            if gone.names.iter().any(|name| names.contains(name) && packages.role(name) == Role::Build))
    });
    for name in names {
        if groups.contains(&name.as_str()) {
            all = false;
            continue;
        }
        if taken || gone.contains(name) {
            all = false;
            if starts(name) {
                found.push(name.clone());
            } else if !taken && stays_behind(survey, manager) && packages.role(name) == Role::Build {
                // The libraries that came with it are not taken away with it.
                let libraries = packages::libraries(manager, release, name).unwrap_or_default();
                found.extend(libraries.into_iter().filter(|library| {
                    !names.contains(library) && !library.starts_with("libgomp") && !recipe.installed.contains(library)
                }));
            }
            continue;
        }
        if helpers::is_node_package(manager, name) && helpers::bundles(survey, recipe) {
            all = false;
            continue;
        }
        // The official images give the packages of their compilers by variables.
        if matches!(name.as_str(), "$PHPIZE_DEPS" | "${PHPIZE_DEPS}") {
            all = false;
            continue;
        }
        // A link to the compiler says that something looks for it.
        let linked = name.contains("jdk")
            && survey
                .steps()
                .any(|(_, step)| step.program() == "ln" && step.argv.iter().any(|word| word.contains("javac")));
        if linked {
            found.push(name.clone());
            continue;
        }
        match packages.role(name) {
            // Documentation that is made at every start, a site that is built from what is mounted.
            Role::Build if at_start(survey, recipe, manager, name) => found.push(name.clone()),
            // What builds programs for Java, and builds none here, is there for what can't be read.
            Role::Build
                if recipe.opaque_entry
                    && matches!(packages::bare(name), "ant" | "gradle" | "leiningen" | "maven" | "sbt")
                    && !survey.steps().any(|(_, step)| step.kind() == "jvm") =>
            {
                found.push(name.clone());
            }
            Role::Build if brings_java(survey, recipe, packages::bare(name)) => {
                if manager == Manager::Apt {
                    all = false;
                    found.push("default-jre-headless".into());
                } else {
                    found.push(name.clone());
                }
            }
            Role::Installer if installer_needed(survey, recipe, manager, name) => found.push(name.clone()),
            Role::Build | Role::Installer => match packages::libraries(manager, release, name) {
                Some(mut libraries) => {
                    all = false;
                    if manager == Manager::Apt && embeds(survey) {
                        libraries.extend(embedded(name, release));
                    }
                    // The language that the image is made for is there already, in a place of its own.
                    let own = |library: &String| {
                        let Some(language) = language else { return false };
                        let bare = library.trim_start_matches("lib");
                        // `libc6` is C's, `libcurl4` is not, and `r-base` is R's.
                        let ends =
                            |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' && bare == library);
                        bare.strip_prefix(language).is_some_and(|rest| language.len() > 2 || ends(rest))
                    };
                    // A compiler brings the libraries of its sanitizers along.
                    if manager == Manager::Apt && libraries.iter().any(|library| library == "libgomp1") {
                        for kind in linked::sanitizers(survey) {
                            match packages::sanitizer(release, &kind) {
                                Some(library) => libraries.push(library.to_owned()),
                                None => libraries.push(name.clone()),
                            }
                        }
                    }
                    let parallel = |library: &String| library.starts_with("libgomp") && !survey.parallel();
                    found.extend(
                        linked::only(survey, name, libraries)
                            .into_iter()
                            .filter(|library| !names.contains(library) && !own(library) && !parallel(library))
                            .filter(|library| !recipe.installed.contains(library)),
                    );
                }
                None => {
                    let parts = linked::parts_of(survey, name);
                    all &= parts.len() == 1 && parts.first() == Some(name);
                    found.extend(parts);
                }
            },
            Role::Tool if !sorted_out && !tool_needed(survey, recipe, manager, name) => all = false,
            // What makes a site is of no use to the server that has the files of it.
            Role::Runtime if recipe.serves && SITE_TOOLS.contains(&packages::bare(name)) && !starts(name) => {
                all = false
            }
            Role::Runtime if for_native_modules(survey, recipe, names, name) && !starts(name) => all = false,
            _ => found.push(name.clone()),
        }
    }
    let mut seen: Vec<String> = Vec::new();
    found.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    (found, all)
}

/// Whether a tool that builds programs for Java is all that brings Java, and the image starts it.
fn brings_java(survey: &Survey<'_, '_>, recipe: &Recipe, tool: &str) -> bool {
    let java = |name: &str| ["java", "jdk", "jre"].iter().any(|part| name.contains(part));
    let other = |step: &Step| match effects::of(step) {
        Effect::Install(packages) => packages.names.iter().any(|name| java(name)),
        Effect::Writes(_) | Effect::Fetch(_) | Effect::Unknown => {
            step.argv.iter().chain(&step.piped).any(|word| java(word) || word.contains("sdkman"))
        }
        _ => false,
    };
    let starts = recipe.opaque_entry
        || recipe.scripted.iter().any(|program| program == "java")
        || survey.entry.steps.iter().any(|step| step.program() == "java");
    matches!(tool, "ant" | "gradle" | "leiningen" | "maven" | "maven2" | "sbt")
        && starts
        && survey.model.known(survey.stage).is_some_and(|image| image.kind() == crate::knowledge::images::Kind::Distro)
        && survey.steps().any(|(_, step)| step.kind() == "jvm")
        && !survey.steps().any(|(_, step)| other(step))
}

/// Whether what came with a package stays where the package is taken away: nothing in the file asks for the rest to go, and
/// the manager does not do so by itself.
fn stays_behind(survey: &Survey<'_, '_>, manager: Manager) -> bool {
    let sweeps = |word: &String| word.trim_start_matches('-').replace('-', "") == "autoremove";
    matches!(manager, Manager::Apt | Manager::Yum)
        && !survey.steps().any(|(_, step)| {
            step.program() == "dnf" && matches!(effects::of(step), Effect::Remove(_)) || step.argv.iter().any(sweeps)
        })
}

/// Whether the packages that are taken away are those that Node came with.
fn takes_node(survey: &Survey<'_, '_>, gone: &[String]) -> bool {
    const NODE: [&str; 4] = ["nodejs", "npm", "nodejs-npm", "nodejs-current"];
    let there = survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"));
    !there && gone.iter().any(|name| NODE.contains(&packages::bare(name)))
}

/// Whether the stage compiles programs that may have an interpreter in them.
fn embeds(survey: &Survey<'_, '_>) -> bool {
    survey.steps().any(|(_, step)| {
        matches!(effects::kind(step.program()), "make" | "ninja" | "cmake") && effects::of(step).is_work()
    })
}

/// The library of an interpreter whose headers a package has, which the interpreter itself does not need.
fn embedded(package: &str, release: Option<&str>) -> Vec<String> {
    let library = match packages::bare(package) {
        "python3-dev" | "python3-all-dev" => "libpython3-dev",
        "python-dev" | "python-all-dev" | "python2-dev" | "python2.7-dev" => "libpython2.7-dev",
        "libperl-dev" => "libperl-dev",
        _ => return Vec::new(),
    };
    packages::listed(release, library)
}

/// Packages of the languages that sites are made with.
const SITE_TOOLS: [&str; 12] = [
    "bundler",
    "node",
    "nodejs",
    "nodejs-npm",
    "npm",
    "pandoc",
    "python3-pip",
    "python3-sphinx",
    "ruby",
    "ruby-bundler",
    "ruby-full",
    "yarn",
];

/// Whether what starts, a script of it, or a health check starts a program of a package.
fn at_start(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let mut starts = survey.entry.steps.iter().chain(&survey.checks);
    starts.any(|step| brings(manager, packages::bare(package), step.program()))
        || recipe.scripted.iter().any(|program| brings(manager, packages::bare(package), program))
}

/// Whether a package is the Python of node-gyp alone: it stands beside a compiler in an image of Node, and the project
/// beside the Dockerfile has nothing written in Python and starts none.
fn for_native_modules(survey: &Survey<'_, '_>, recipe: &Recipe, names: &[String], package: &str) -> bool {
    let python = ["python", "python2", "python3", "python3-minimal", "py3-setuptools", "python3-setuptools"];
    let compiler = ["build-base", "build-essential", "g++", "gcc", "make"];
    let starts = |step: &Step| python.contains(&step.program());
    python.contains(&packages::bare(package))
        && names.iter().any(|name| compiler.contains(&packages::bare(name)))
        && survey.model.known(survey.stage).is_some_and(|image| image.language() == Some("node"))
        && survey.model.context.is_some_and(|context| {
            // Modules that start Python say so by their names.
            let speaks = |file: &String| {
                paths::name(file) == "package.json"
                    && context.read(file).is_none_or(|text| {
                        [&b"python"[..], b"youtube-dl", b"yt-dlp", b"ytdl"]
                            .iter()
                            .any(|word| memchr::memmem::find(&text, word).is_some())
                    })
            };
            let own = |file: &&String| !file.contains("node_modules/");
            !context.files().iter().filter(own).any(|file| file.ends_with(".py") || speaks(file))
        })
        && !recipe.opaque_entry
        && !survey.entry.steps.iter().any(starts)
        && !survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps).any(starts)
        && !python.iter().any(|program| survey.calls(program))
}

/// Whether something that runs in the runtime stage installs packages of a language, or may.
fn installer_needed(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    recipe.opaque_entry
        || at_start(survey, recipe, manager, package)
        || started(survey, recipe, manager, package)
        || survey.entry.steps.iter().any(|step| step.argv.iter().any(|word| word == "pip"))
        || survey.calls(packages::bare(package).trim_start_matches("python-").trim_start_matches("python3-"))
}

/// Whether something that runs in the runtime stage starts a tool, or may.
fn tool_needed(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let name = package.split(['=', '<', '>', '~', ':']).next().unwrap_or(package);
    let health = survey.units.iter().filter(|unit| unit.instruction.keyword == Keyword::Healthcheck);
    recipe.opaque_entry
        || recipe.repositories
        || started(survey, recipe, manager, package)
        || survey.entry.steps.iter().chain(&survey.checks).any(|step| brings(manager, name, step.program()))
        || health.into_iter().any(|unit| unit.instruction.args.text.contains(name))
        || survey.model.context.is_some() && packages::programs(manager, name).any(|program| survey.calls(program))
        || libraries::needs(survey, name)
        || COMPOSERS.contains(&name) && ships_composer(survey, recipe)
        || for_run_time(survey, manager, name)
        // What moves files, and moves none for the build, is there for who works with the container.
        || matches!(name, "rsync" | "lftp" | "aria2" | "axel")
            && !survey.steps().any(|(_, step)| brings(manager, name, step.program()) || step.program() == "aria2c")
}

/// Whether a tool can't be there for the build: no command of it starts the tool, and none does what may start it unseen.
fn for_run_time(survey: &Survey<'_, '_>, manager: Manager, name: &str) -> bool {
    const TOOLS: [&str; 6] = ["curl", "git", "git-core", "unzip", "wget", "zip"];
    if !TOOLS.contains(&name) {
        return false;
    }
    let git = name.starts_with("git");
    // The names of packages of a registry are fetched by the installer itself; lists and projects may name anything.
    let by_name = |step: &Step| match step.kind() {
        "python" | "gem" => {
            step.args().iter().any(|arg| arg == "install")
                && !step.args().iter().any(|arg| {
                    matches!(arg.as_str(), "-r" | "-e" | "." | "--requirement" | "--editable")
                        || arg.starts_with("-r")
                        || arg.contains(['/', '$'])
                })
        }
        "php-ext" => true,
        _ => false,
    };
    let uses = |step: &Step| match effects::of(step) {
        Effect::Install(_) | Effect::Remove(_) | Effect::Lists | Effect::Upgrade => false,
        Effect::Build | Effect::Store(_) => !by_name(step),
        Effect::Unknown => super::whole::is_build_script(step) || super::whole::hidden(survey, step),
        _ => {
            brings(manager, name, step.program())
                || step.piped.is_some()
                || git && step.argv.iter().any(|word| word.contains("git"))
        }
    };
    let mut builds = survey.steps().map(|(_, step)| step).filter(|step| effects::of(step).is_work());
    builds.any(by_name) && !survey.steps().any(|(_, step)| uses(step))
}

/// What Composer fetches packages with.
const COMPOSERS: [&str; 7] = ["git", "git-core", "mercurial", "p7zip-full", "subversion", "unzip", "zip"];

/// Whether the runtime stage has Composer, for who works in the container: copied from the builder, from an image of its own,
/// or installed there.
fn ships_composer(survey: &Survey<'_, '_>, recipe: &Recipe) -> bool {
    let named = |path: &str| matches!(paths::name(path), "composer" | "composer.phar");
    let later = || survey.units.iter().skip(recipe.last_build + 1);
    let copied = later().filter_map(|unit| unit.copy.as_ref()).filter(|copy| !copy.context).any(|copy| {
        copy.sources.iter().any(|source| named(source)) && copy.to.as_deref().is_some_and(|to| !to.starts_with("/tmp"))
    });
    let installed = later()
        .flat_map(|unit| unit.steps)
        .any(|step| matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|path| named(path))));
    copied || installed || recipe.carried.iter().any(|carried| named(&carried.to))
}

/// Whether a command of the runtime stage starts a program of a package.
fn started(survey: &Survey<'_, '_>, recipe: &Recipe, manager: Manager, package: &str) -> bool {
    let name = package.split(['=', '<', '>', '~', ':']).next().unwrap_or(package);
    let mut later = survey.units.iter().skip(recipe.last_build + 1).flat_map(|unit| unit.steps);
    recipe.programs.has_of(manager, name) || later.any(|step| brings(manager, name, step.program()))
}
