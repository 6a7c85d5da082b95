//! `dotnet run`: the project is published, and its assembly is started.

use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::paths;
use crate::syntax::{Form, Keyword};
use crate::transform::Refusal;

use super::markup;
use super::project::{Ahead, Project, line, options, plain};
use super::refuse;

/// The folder that the project is published into, from the folder that it lies in.
const OUTPUT: &str = "out";

/// What takes the place of `dotnet run`.
pub(super) fn run(project: &Project<'_, '_, '_>) -> Option<Result<Ahead, Refusal>> {
    let step = project.step();
    match step.subcommand().filter(|_| step.program() == "dotnet")? {
        "run" => Some(ahead(project)),
        "watch" => {
            let text = "`dotnet watch` compiles again whenever a source changes: it is a development image";
            Some(Err(refuse("development-image", text, true)))
        }
        _ => None,
    }
}

fn ahead(project: &Project<'_, '_, '_>) -> Result<Ahead, Refusal> {
    let cwd = project.cwd()?;
    let argv = project.argv();
    let at = argv.iter().position(|word| word == "run").unwrap_or(1);
    // What `dotnet run` does not know is for the program: `dotnet run --urls http://*:80`.
    let own = |word: &str| {
        let name = word.split(['=', ':']).next().unwrap_or(word);
        Words::DotnetRunValued.has(name)
            || matches!(
                name,
                "--no-build"
                    | "--no-restore"
                    | "--no-launch-profile"
                    | "--no-dependencies"
                    | "--interactive"
                    | "--self-contained"
                    | "--force"
            )
    };
    let end = argv.iter().enumerate().skip(at + 1).find(|(place, word)| {
        let value = place
            .checked_sub(1)
            .and_then(|before| argv.get(before))
            .is_some_and(|before| Words::DotnetRunValued.has(before.as_str()));
        !own(word) && !value
    });
    let end = end.map_or(argv.len(), |(place, _)| place);
    let given = options(argv.get(..end).unwrap_or_default(), at + 1, Words::DotnetRunValued.list());
    let rest = end + usize::from(argv.get(end).is_some_and(|word| word == "--"));
    let named = given.value(&["-p", "--project"]);
    let (folder, file) = match named {
        Some(path) if path.ends_with("proj") => {
            let path = paths::join(cwd, path);
            (paths::parent(&path).to_owned(), Some(paths::name(&path).to_owned()))
        }
        Some("project.json") => return Err(project.unnamed("project.json")),
        Some(path) => (paths::join(cwd, path), None),
        None => (cwd.to_owned(), None),
    };
    let file = file
        .or_else(|| project_file(project, &folder))
        .ok_or_else(|| project.unnamed("the project file (*.csproj)"))?;
    let text = project.read(&paths::join(&folder, &file));
    let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem).to_owned();
    let elements = text.as_deref().map(markup::elements).unwrap_or_default();
    let name = elements
        .iter()
        .find(|(path, _)| path.ends_with("PropertyGroup/AssemblyName"))
        .map_or(stem.as_str(), |(_, name)| name);
    let shared = project.read(&paths::join(&folder, "Directory.Build.props")).unwrap_or_default();
    if !plain(name) || shared.contains("<AssemblyName>") {
        return Err(project.unnamed(&file));
    }
    let says = |key: &&&str| shared.contains(**key) || text.as_deref().is_some_and(|text| text.contains(**key));
    if let Some(key) = ["PublishSingleFile", "PublishAot", "PublishTrimmed"].iter().find(says) {
        let text = format!("{key} says that the project is published in another form than `dotnet run` starts");
        return Err(refuse("published-otherwise", text, false));
    }
    let mut assumptions = Vec::new();
    if text.is_none() {
        assumptions.push(format!("{file} gives its assembly no other name"));
    }
    let configuration = given.value(&["-c", "--configuration"]);
    // Where the file has published the project already, it lies where it was put.
    let published = published(project, named, configuration);
    let output = match &published {
        Some((_, output)) => output.clone(),
        None => paths::join(&folder, OUTPUT),
    };
    // A site is published with what it serves, and looks for it in the folder that it starts in; `dotnet run` starts it in
    // that of the project.
    let hosts = ["Microsoft.NET.Sdk.Web", "Microsoft.NET.Sdk.Worker", "Microsoft.AspNetCore"];
    let site = text.as_deref().is_none_or(|text| hosts.iter().any(|host| text.contains(host)));
    let beside = beside(project, &folder, text.as_deref().unwrap_or_default());
    let workdir = match &beside {
        Some(found) if site => {
            // Pages have styles and scripts that are among what is published, and nowhere else.
            if folder != cwd || project.below(&folder).iter().any(|file| is_page(file)) {
                let text = format!(
                    "it works in the folder of the sources with {found}, and serves what is only among what is published"
                );
                return Err(refuse("entangled-start", text, false));
            }
            None
        }
        _ => site.then(|| output.clone()),
    };
    if let Some(workdir) = &workdir {
        if project.model.final_workdir(project.stage) != Some(cwd) {
            let text = "the folder that it starts in is changed by a script, and has to be that of what is published";
            return Err(refuse("entangled-start", text, false));
        }
        assumptions.push(format!(
            "what the program reads beside itself is published with it: it starts in {workdir}, and no longer in {cwd}"
        ));
    }
    if configuration.is_none() {
        assumptions.push("the Release configuration does what the Debug configuration did".to_owned());
    }
    let mut build = vec!["dotnet", "publish"];
    build.extend(named);
    build.extend(["-c", configuration.unwrap_or("Release")]);
    for names in [["-f", "--framework"], ["-r", "--runtime"]] {
        build.extend(given.value(&names).into_iter().flat_map(|value| [names[0], value]));
    }
    build.extend(["-o", &output]);
    let Profile { env, arguments } =
        profile(project, &folder, &given, argv.get(rest..).unwrap_or_default(), &mut assumptions)?;
    let build = published.map_or_else(|| line(&build), |(command, _)| command);
    let same = build.clone();
    let mut start = vec!["dotnet".to_owned(), format!("{output}/{name}.dll")];
    start.extend(arguments);
    Ok(Ahead {
        build,
        built: Box::new(move |step| line(&step.argv) == same),
        prepares: |step| step.program() == "dotnet" && matches!(step.subcommand(), Some("restore" | "build" | "clean")),
        start,
        rest,
        writes: output,
        env,
        workdir,
        assumptions,
    })
}

/// Whether a file is a page of a site.
fn is_page(file: &str) -> bool {
    file.ends_with(".razor") || file.ends_with(".cshtml")
}

/// The command that publishes the project, behind the last of the sources, and the folder that it publishes into.
fn published(
    project: &Project<'_, '_, '_>,
    named: Option<&str>,
    configuration: Option<&str>,
) -> Option<(String, String)> {
    let is = |step: &Step| {
        let at = step.argv.iter().position(|word| word == "publish").filter(|_| step.program() == "dotnet")?;
        let positional = step.argv.get(at + 1).filter(|word| !word.starts_with('-'));
        let given = options(&step.argv, at + 1 + usize::from(positional.is_some()), Words::DotnetPublishValued.list());
        let same = positional.map(String::as_str) == named
            && given.end == step.argv.len()
            && given.given.iter().all(|(name, _)| Words::DotnetPublishValued.has(name) || *name == "--no-restore")
            && configuration.is_none_or(|wanted| given.value(&["-c", "--configuration"]) == Some(wanted));
        let output = step.path(given.value(&["-o", "--output"])?)?;
        (same && step.always && step.cwd.as_deref() == project.cwd().ok()).then(|| (line(&step.argv), output))
    };
    let copies = |keyword| matches!(keyword, Keyword::Copy | Keyword::Add);
    let last =
        project.model.body(project.stage).rev().find(|(_, one)| copies(one.keyword)).map_or(0, |(index, _)| index);
    project.steps().filter(|(index, _)| *index > last).filter_map(|(_, step)| is(step)).last()
}

/// What the program may look for in the folder of its sources by a path from there, that is not published: data, and
/// folders that are made for it.
fn beside(project: &Project<'_, '_, '_>, folder: &str, manifest: &str) -> Option<String> {
    let data = |file: &String| {
        let aside = file.split('/').any(|part| {
            part.starts_with('.')
                || matches!(
                    part,
                    "wwwroot" | "bin" | "obj" | "out" | "node_modules" | "ClientApp" | "Migrations" | "test" | "tests"
                )
        });
        let end = paths::name(file).rsplit_once('.').map_or("", |(_, end)| end);
        !aside && Words::DotnetData.has(end) && !manifest.contains(paths::name(file))
    };
    let inside =
        |path: &str| paths::within(path, folder) && path != folder && paths::relative(path, folder) != Some(OUTPUT);
    let volume = || {
        let body = project.model.body(project.stage).filter(|(_, one)| one.keyword == Keyword::Volume);
        body.flat_map(|(index, one)| {
            let words: Vec<&str> = match &one.form {
                Form::Json(words) => words.iter().map(|(word, _)| word.as_str()).collect(),
                Form::Text => one.words().into_iter().map(|word| word.raw).collect(),
            };
            words.into_iter().map(|word| paths::join("/", &project.model.expand(index, word).text)).collect::<Vec<_>>()
        })
        .find(|path| inside(path))
    };
    let made = || {
        let makes = project.steps().filter(|(_, step)| step.program() == "mkdir");
        makes
            .flat_map(|(_, step)| {
                step.args().iter().filter(|arg| !arg.starts_with('-')).filter_map(|arg| step.path(arg))
            })
            .find(|path| inside(path))
    };
    project.below(folder).into_iter().find(data).or_else(volume).or_else(made)
}

/// The only project file in a folder: of the build context, or by name of the file's own COPY.
fn project_file(project: &Project<'_, '_, '_>, folder: &str) -> Option<String> {
    let is = |name: &str| {
        (name.ends_with(".csproj") || name.ends_with(".fsproj") || name.ends_with(".vbproj"))
            && !name.contains(['*', '?', '$'])
    };
    let mut found: Vec<String> =
        project.below(folder).into_iter().filter(|file| !file.contains('/') && is(file)).collect();
    if project.model.context.is_none() {
        let copies = project.model.body(project.stage).filter_map(|(index, _)| project.model.copied(index));
        for copied in copies {
            for source in copied.sources.iter().filter(|source| is(source)) {
                let name = paths::name(source);
                let Some(path) = copied.place(source) else { continue };
                if paths::parent(&path) == folder && !found.iter().any(|one| one == name) {
                    found.push(name.to_owned());
                }
            }
        }
    }
    <[String; 1]>::try_from(found).ok().map(|[only]| only)
}

/// What `dotnet run` tells a program by the launch profile of the project.
#[derive(Default)]
struct Profile {
    env: Vec<(String, String)>,
    arguments: Vec<String>,
}

/// What `dotnet run` tells the program by the launch profile of the project.
///
/// # Errors
/// The profile has arguments whose words can't be told apart.
fn profile(
    project: &Project<'_, '_, '_>,
    folder: &str,
    given: &super::project::Options<'_>,
    arguments: &[String],
    assumptions: &mut Vec<String>,
) -> Result<Profile, Refusal> {
    if given.has(&["--no-launch-profile"]) {
        return Ok(Profile::default());
    }
    if project.model.context.is_none() {
        assumptions.push("Properties/launchSettings.json, which `dotnet run` reads and a published program does not, says nothing that counts".to_owned());
        return Ok(Profile::default());
    }
    let Some(text) = project.read(&paths::join(folder, "Properties/launchSettings.json")) else {
        return Ok(Profile::default());
    };
    let text = text.trim_start_matches('\u{feff}');
    let Ok(settings) = serde_json::from_str::<serde_json::Value>(text) else {
        assumptions.push("Properties/launchSettings.json, which can't be read, says nothing that counts".to_owned());
        return Ok(Profile::default());
    };
    let profiles = settings.get("profiles").and_then(|profiles| profiles.as_object());
    let own =
        |profile: &&serde_json::Value| profile.get("commandName").and_then(|name| name.as_str()) == Some("Project");
    let chosen = profiles.and_then(|profiles| match given.value(&["--launch-profile", "-lp"]) {
        Some(name) => profiles.get(name),
        None => first_profile(text).and_then(|name| profiles.get(&name)).or_else(|| profiles.values().find(own)),
    });
    let Some(chosen) = chosen else { return Ok(Profile::default()) };
    // They are for a start that has none of its own.
    let own = chosen.get("commandLineArgs").and_then(|text| text.as_str()).filter(|_| arguments.is_empty());
    let own = own.unwrap_or_default();
    if own.contains(['"', '\'', '\\', '$', '%']) {
        return Err(refuse("unknown-at-build", format!("the words of `{own}` can't be told apart"), false));
    }
    let mut env: Vec<(String, String)> = Vec::new();
    let urls = arguments.iter().any(|word| word.contains("urls"));
    let url = chosen.get("applicationUrl").and_then(|url| url.as_str()).filter(|_| !urls).map(str::to_owned);
    let url = match url {
        Some(url) => Some(without_tls(project, url, assumptions)?),
        None => None,
    };
    if let Some(url) = url {
        // Nobody outside of the container is answered there.
        let inside = url.split(';').all(|url| url.contains("//localhost") || url.contains("//127.0.0.1"));
        if inside && (project.sets("ASPNETCORE_URLS") || project.sets("ASPNETCORE_HTTP_PORTS")) {
            assumptions.push(format!(
                "it shall answer where the file says, and no longer at {url}, which Properties/launchSettings.json set for \
                 `dotnet run` instead, and where only the container itself can ask"
            ));
        } else {
            env.push(("ASPNETCORE_URLS".to_owned(), url));
        }
    }
    let variables = chosen.get("environmentVariables").and_then(|variables| variables.as_object());
    for (name, value) in variables.into_iter().flatten() {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
        if let Some(value) = value.as_str().filter(|value| plain && !value.contains('\n')) {
            env.push((name.clone(), value.to_owned()));
        }
    }
    if !env.is_empty() {
        let names: Vec<&str> = env.iter().map(|(name, _)| name.as_str()).collect();
        assumptions.push(format!(
            "{} shall stay as Properties/launchSettings.json set {} for `dotnet run`",
            names.join(" and "),
            if names.len() == 1 { "it" } else { "them" }
        ));
    }
    Ok(Profile { env, arguments: own.split_whitespace().map(str::to_owned).collect() })
}

/// The addresses of a launch profile without those that only the SDK has a certificate for: the one that is for developing
/// lies in the home of who had it made, and without any the program does not start.
///
/// # Errors
/// There are no others.
fn without_tls(project: &Project<'_, '_, '_>, urls: String, assumptions: &mut Vec<String>) -> Result<String, Refusal> {
    let tls = |url: &&str| url.trim().starts_with("https:");
    let own = ["ASPNETCORE_Kestrel__Certificates__Default__Path", "Kestrel__Certificates__Default__Path"];
    if !urls.split(';').any(|url| tls(&url)) || own.iter().any(|name| project.sets(name)) {
        return Ok(urls);
    }
    let plain: Vec<&str> = urls.split(';').filter(|url| !tls(url)).filter(|url| !url.trim().is_empty()).collect();
    if plain.is_empty() {
        let text = format!(
            "Properties/launchSettings.json has it answer at {urls} alone, by the certificate for developing that the SDK \
             has; name a certificate, or another address by ASPNETCORE_URLS"
        );
        return Err(refuse("development-image", text, true));
    }
    assumptions.push(format!(
        "nobody asks it by HTTPS, as Properties/launchSettings.json has it ({urls}): the certificate for developing is the SDK's"
    ));
    Ok(plain.join(";"))
}

/// The name of the first profile that starts the project itself, in the order in which the file has them.
fn first_profile(text: &str) -> Option<String> {
    // The parser sorts the keys; the file's order is told by the places of the names in the text.
    let settings: serde_json::Value = serde_json::from_str(text).ok()?;
    let profiles = settings.get("profiles")?.as_object()?;
    let own = profiles
        .iter()
        .filter(|(_, profile)| profile.get("commandName").and_then(|name| name.as_str()) == Some("Project"));
    let start = text.find("\"profiles\"")?;
    let place = |name: &str| text.get(start..).and_then(|rest| rest.find(&format!("\"{name}\""))).unwrap_or(usize::MAX);
    own.min_by_key(|(name, _)| place(name)).map(|(name, _)| name.clone())
}
