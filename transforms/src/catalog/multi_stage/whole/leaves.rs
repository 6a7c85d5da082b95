//! What stays behind, and whether that is worth a stage.

use crate::knowledge::images::{Image, Kind};
use crate::knowledge::packages::{self, Role};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, paths};
use crate::transform::Refusal;

use super::super::plan::{self};
use super::super::survey::refuse;
use super::super::{globals, go, lean, stores, tidy};

use super::last_build::is_build_script;
use super::makes::crate_here;
use super::{Whole, go_root};

/// What a command installs and a command of the same instruction takes away again.
fn removed_packages(step: &Step) -> Vec<String> {
    match effects::of(step) {
        Effect::Remove(packages) => packages.names.clone(),
        _ => Vec::new(),
    }
}

impl<'s> Whole<'s, '_, '_> {
    /// Takes what compilers keep for the next build out of the folders that go along.
    pub(super) fn prune(&mut self) {
        let local = self.smaller && self.carried.iter().any(|carried| carried.from == "/usr/local");
        let shipped = self.smaller && self.image.as_ref().is_some_and(|image| image.name() == "golang");
        let mut roots: Vec<String> = self.survey.steps().filter_map(|(_, step)| go_root(self.survey, step)).collect();
        roots.extend(shipped.then(|| "/usr/local/go".to_owned()));
        roots.dedup();
        // A script that is not there to read may start it.
        roots.retain(|_| shipped || !self.may_start_scripts());
        roots.retain(|path| self.carried.iter().any(|carried| paths::within(path, &carried.from)));
        roots.retain(|path| !self.removed.iter().any(|removed| paths::covers(removed, path)));
        self.build.extend(roots.iter().map(|path| format!("rm -rf {path}")));
        let starts_there = self.carried.iter().any(|carried| carried.from.starts_with("/usr/local/cargo"));
        if local && !starts_there && self.image.as_ref().is_some_and(|image| image.name() == "rust") {
            self.build.push("rm -rf /usr/local/cargo /usr/local/rustup".to_owned());
        }
        // Of the programs in Cargo's folder, those of the toolchain are nothing without it.
        let proxies = "/usr/local/cargo/bin";
        if self.smaller && self.carried.iter().any(|carried| carried.from == proxies) {
            self.build.push(format!(
                "cd {proxies} && rm -f cargo cargo-clippy cargo-fmt cargo-miri clippy-driver rls rust-analyzer rust-gdb \
                 rust-gdbgui rust-lldb rustc rustdoc rustfmt rustup"
            ));
        }
        // The runtime image has the part of it that programs need, and the same one has all of it.
        let adds = |(_, step): (usize, &Step)| {
            matches!(effects::of(step), Effect::Writes(written) | Effect::Files(written)
                if written.iter().any(|path| path.starts_with("/usr/local/cuda")))
        };
        let cuda = self.image.as_ref().is_some_and(|image| image.name() == "nvidia/cuda");
        let all = self.carried.iter().any(|carried| carried.from == "/usr/local");
        if all && cuda && !self.survey.steps().any(adds) {
            self.build.push("rm -rf /usr/local/cuda*".to_owned());
        }
        let installs = |kind: &str| self.survey.steps().any(|(_, step)| step.kind() == kind);
        if self.carried.iter().any(|carried| carried.from == "/root") && installs("npm") {
            self.build.push("rm -rf /root/.npm".to_owned());
        }
        for (_, step) in self.survey.steps() {
            let Some(cwd) = step.cwd.as_deref() else { continue };
            let whole = self.carried.iter().any(|carried| paths::within(cwd, &carried.from));
            if step.program() == "cargo" && step.subcommand() == Some("build") {
                let release = step.args().iter().any(|arg| arg == "--release" || arg == "-r");
                let folder = paths::join(cwd, if release { "target/release" } else { "target/debug" });
                let goes = self.carried.iter().any(|carried| paths::within(&folder, &carried.from));
                let command = format!("rm -rf {folder}/build {folder}/deps {folder}/incremental {folder}/.fingerprint");
                if goes && !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
            // What `cargo install` makes of the project lies in Cargo's own folder.
            let release = "target/release";
            let built =
                || self.survey.entry.steps.iter().any(|entry| entry.argv.iter().any(|word| word.contains("target")));
            let here = || {
                step.args().windows(2).all(
                    |pair| !matches!(pair, [option, path] if option == "--path" && step.path(path).as_deref() != Some(cwd)),
                )
            };
            let other = || {
                self.survey.steps().any(|(_, other)| {
                    other.program() != "rm"
                        && other.span != step.span
                        && other.argv.iter().any(|word| word.contains(release))
                })
            };
            let gone = || self.removed.iter().any(|removed| paths::covers(removed, cwd));
            if step.program() == "cargo"
                && step.subcommand() == Some("install")
                && crate_here(step)
                && whole
                && here()
                && !built()
                && !other()
                && !gone()
            {
                self.build.retain(|command| !command.starts_with(&format!("rm -rf {cwd}/target/")));
                let command = format!("rm -rf {cwd}/target");
                if !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
            let caches = match step.program() {
                "stack" => ".stack-work",
                "cabal" if self.carried.iter().any(|carried| carried.from.ends_with("/.local")) => "dist-newstyle",
                _ => "",
            };
            let named = || {
                self.survey.entry.steps.iter().any(|entry| {
                    matches!(entry.program(), "stack" | "cabal") || entry.argv.iter().any(|arg| arg.contains(caches))
                })
            };
            if !caches.is_empty() && whole && !named() {
                let command = format!("rm -rf {cwd}/{caches}");
                if !self.build.contains(&command) {
                    self.build.push(command);
                }
            }
        }
        for folder in self.carried.iter().map(|carried| carried.from.clone()).collect::<Vec<_>>() {
            if let Some(command) = lean::without_development(self.survey, self.image.as_ref(), &folder) {
                let cwd =
                    self.survey.units.get(self.last_build + 1).map_or(self.survey.stage.body.end, |unit| unit.index);
                let there = self.survey.model.workdir(cwd) == Some(folder.as_str());
                self.build.push(if there { command } else { format!("cd {folder} && {command}") });
            }
        }
    }

    /// Whether the project proves that it does not need what it was built with.
    fn develops(&self) -> bool {
        self.work.iter().any(|work| lean::without_development(self.survey, self.image.as_ref(), &work.path).is_some())
    }

    /// Whether anything stays behind that is worth a stage.
    pub(super) fn leaves(&mut self) -> Result<(), Refusal> {
        // A line of Python downloads or prepares something, and compiles nothing.
        let line = |step: &Step| step.program().starts_with("python") && step.args().iter().any(|arg| arg == "-c");
        let works = |step: &Step| match effects::of(step) {
            Effect::Build => step.program() != "patch" && !line(step),
            Effect::Store(_) => true,
            Effect::Unknown => is_build_script(step),
            _ => false,
        };
        let works = self.survey.steps().any(|(_, step)| works(step));
        let nothing = || {
            let text = "no step compiles anything: what the compilers are there for happens when the container runs";
            refuse("nothing-built", text, true)
        };
        if self.smaller {
            let tools = self.survey.steps().any(|(_, step)| {
                matches!(effects::of(step), Effect::Install(packages) if packages.names.iter().any(|name| {
                    packages.role(name) == Role::Build
                        && !Words::SmallTools.has(packages::bare(name))
                }))
            });
            return if !works && tools { Err(nothing()) } else { Ok(()) };
        }
        // What installs for everybody may have to do so again.
        let globals = || {
            self.survey.units.iter().any(|unit| {
                unit.steps
                    .iter()
                    .any(|step| globals::named(self.survey, unit, step).is_some_and(|names| !names.is_empty()))
            })
        };
        let mut left: Vec<&String> = Vec::new();
        for unit in self.survey.units.iter().take(self.last_build + 1) {
            let removed: Vec<String> = unit.steps.iter().flat_map(removed_packages).collect();
            for step in unit.steps {
                let Effect::Install(packages) = effects::of(step) else { continue };
                if tidy::virtual_name(step).is_some_and(|group| removed.iter().any(|gone| gone == group)) {
                    continue;
                }
                // What has no known run-time half would be installed again.
                let release = self.runtime.release.map(|release| release.name);
                let swept = || self.survey.steps().any(|(_, step)| tidy::sweeps(step));
                // Beside what a base image brings, the compilers of an installer are little.
                let plain = self.image.as_ref().is_some_and(|image| image.kind() == Kind::Distro);
                left.extend(packages.names.iter().filter(|name| {
                    let installer = || !(self.opaque && !plain || packages::bare(name) == "npm" && globals());
                    let role = packages.role(name);
                    (role == Role::Build || role == Role::Installer && installer())
                        && packages::libraries(packages.manager, release, name).is_some()
                        && (!removed.contains(*name) || tidy::names_compilers(name) && !swept())
                        && !plan::needed_at_start(self.survey, name)
                }));
            }
        }
        // A program of a few hundred kilobytes is not worth a stage.
        left.retain(|name| !Words::SmallTools.has(packages::bare(name)));
        // The full images of the languages have these themselves.
        let full = self.image.as_ref().is_some_and(|image| {
            const FULL: [&str; 8] = ["elixir", "erlang", "golang", "node", "perl", "python", "ruby", "rust"];
            FULL.contains(&image.name()) && !image.tag().contains("slim") && !image.tag().contains("alpine")
        });
        if full {
            const THERE: [&str; 9] = [
                "build-essential",
                "gcc",
                "g++",
                "make",
                "libc6-dev",
                "libc-dev",
                "libssl-dev",
                "libxml2-dev",
                "zlib1g-dev",
            ];
            left.retain(|name| !THERE.contains(&packages::bare(name)));
        }
        // What the base image has itself would be there twice: a whole environment outweighs any compiler, and all that lies
        // beside a language of the image's own outweighs a few headers.
        let twice = |folder: &str| self.carried.iter().any(|carried| carried.from == folder);
        // The slim image has nothing else of the kind, and `pip` and its like among the modules.
        let modules = || {
            let beside = self.carried.iter().any(|carried| carried.from.ends_with("/site-packages"));
            beside && twice("/usr/local/bin") && !self.smaller
        };
        let environment = self
            .image
            .as_ref()
            .is_some_and(|image| image.env().any(|(name, value)| name == "PATH" && value.contains("/opt/conda/bin")));
        let headers = |name: &&String| {
            let name = packages::bare(name);
            let heavy = Words::HeavyLibraries.list().iter().any(|start| name.starts_with(start));
            (name.ends_with("-dev") || name.ends_with("-devel")) && !heavy
        };
        // Beside the compiler of a full image a few headers more are nothing.
        if full {
            left.retain(|name| !headers(name));
        }
        let language = self.image.as_ref().is_some_and(|image| {
            image.language().is_some_and(|language| !matches!(language, "c" | "r")) || image.kind() == Kind::Server
        });
        // Beside an image that nobody knows, it is all of its languages; what else is left behind then are caches.
        // Distributions have nothing there.
        let languages = self.image.as_ref().is_none_or(|image| image.language().is_some());
        let nothing_else = languages && left.is_empty() && !self.smaller && !self.fetches_toolchain();
        if environment && twice("/opt/conda")
            || nothing_else && twice("/usr/local") && (self.caches() || self.develops())
            || language && (twice("/usr/local") || modules()) && matches!(left.len(), 1 | 2) && left.iter().all(headers)
        {
            let text =
                "what the base image has would be copied over it once more, which is more than what would stay behind";
            return Err(refuse(super::super::NOTHING, text, true));
        }
        // The cache of a toolchain that is shipped itself is not worth a stage. A JDK runs what it made, and the modules of
        // Maven and Gradle are more than it is.
        let ships_toolchain = || {
            let image = self.image.as_ref();
            image.is_some_and(|image| image.kind() == Kind::Compiler && image.language() != Some("java"))
        };
        let more = !left.is_empty() || self.caches() || self.develops() || self.fetches_toolchain();
        if (left.is_empty() && ships_toolchain() || !more)
            && let Some(refusal) = self.brings_compiler()
        {
            return Err(refusal);
        }
        if !more {
            if let Some(root) = self.survey.steps().find_map(|(_, step)| go_root(self.survey, step))
                && !self.removed.iter().any(|removed| paths::covers(removed, &root))
            {
                let text = format!("what starts is a script that is not there to read, and may start the Go in {root}");
                return Err(refuse("toolchain-at-run-time", text, true));
            }
            // An image without a smaller counterpart may hold the tools itself.
            let text = if self.image.as_ref().is_some_and(Image::has_compiler) {
                "what the image is built with comes with its base image, and no smaller image with the same in it is known"
            } else {
                "no compiler or other build tool stays in the image, and there is no smaller image to ship"
            };
            return Err(refuse(super::super::NOTHING, text, true));
        }
        if !works {
            return Err(nothing());
        }
        Ok(())
    }

    /// Why a base image that brings the compiler is shipped all the same: no smaller one is known that runs what it makes.
    fn brings_compiler(&self) -> Option<Refusal> {
        let Base::Image { image, .. } = &self.survey.stage.base else { return None };
        let installs = |step: &Step| matches!(effects::of(step), Effect::Install(_) | Effect::Fetch(_));
        // A distribution with a compiler on top, where nobody installs one: `frolvlad/alpine-gcc`.
        let topped = self.image.as_ref().is_some_and(|image| image.kind() == Kind::Distro)
            && !self.survey.steps().any(|(_, step)| installs(step));
        let unknown = self.image.is_none() || topped;
        if !unknown && self.image.as_ref().is_some_and(|image| image.kind() != Kind::Compiler)
            || unknown && self.survey.steps().any(|(_, step)| installs(step))
        {
            return None;
        }
        let tool = self.survey.steps().map(|(_, step)| step).find(|step| {
            let compiles = match step.kind() {
                "compiled" => true,
                "cmake" | "ninja" | "make" | "swift" => unknown,
                "haskell" | "rust" | "dotnet" | "go" => !unknown,
                "compile" => unknown && matches!(step.program(), "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++"),
                _ => false,
            };
            let own = step.argv.first().is_some_and(|program| program.contains('/'));
            compiles && !own && matches!(effects::of(step), Effect::Build)
        })?;
        let text = format!(
            "`{}` comes with {image}, and which smaller image runs what it makes is not known; name one as runtime-base \
             in the settings",
            tool.program()
        );
        Some(refuse("compiler-of-the-base", text, true))
    }

    /// Whether what starts may be a script that is not there to read: a file of the project that no command makes.
    fn may_start_scripts(&self) -> bool {
        let brought = |path: &str| {
            let copies = self.survey.units.iter().filter_map(|unit| unit.copy.as_ref()).filter(|copy| copy.context);
            copies.filter_map(|copy| copy.to.as_deref()).any(|to| to != "/" && paths::within(path, to))
        };
        let made = |path: &str| {
            self.survey.steps().any(|(_, step)| {
                let output = step.args().iter().skip_while(|arg| *arg != "-o").nth(1);
                output.and_then(|output| step.path(output)).is_some_and(|output| output == path)
                    || matches!(effects::of(step), Effect::Writes(written) if written.iter().any(|file| file == path))
            }) || go::makes(self.survey, path)
        };
        self.opaque
            || self.survey.entry.steps.iter().any(|step| {
                let program = step.argv.first().filter(|program| program.contains('/'));
                program
                    .and_then(|program| step.path(program))
                    .is_some_and(|path| brought(&path) && !made(&path) && self.survey.read(&path).is_none())
            })
    }

    /// Whether the file unpacks a compiler that no package brings, which nothing takes away again: a later instruction only
    /// hides it, and nothing that starts can need it then.
    fn fetches_toolchain(&self) -> bool {
        let gone = |removed: &[String], root: &str| removed.iter().any(|removed| paths::covers(removed, root));
        let mut roots = self.survey.steps().filter_map(|(at, step)| Some((at, go_root(self.survey, step)?)));
        roots.any(|(at, root)| {
            !gone(self.survey.removed(at), &root) && (gone(self.removed, &root) || !self.may_start_scripts())
        })
    }

    /// Whether a build fills a cache in the home of who builds, and nothing empties it: Maven's repository, npm's
    /// downloads.
    fn caches(&self) -> bool {
        let mut fills = false;
        let mut bundles = false;
        for (_, step) in self.survey.steps() {
            let effect = effects::of(step);
            match step.kind() {
                kind @ ("jvm" | "haskell" | "rust" | "dotnet") => {
                    let homes: &[&str] = match kind {
                        "jvm" => &[".m2", ".gradle", ".ivy2", ".sbt"],
                        "haskell" => &[".cabal", ".stack", ".local"],
                        "rust" => &[".cargo"],
                        _ => &[".nuget", ".cache"],
                    };
                    let removed = self.survey.removed(self.survey.units.len());
                    let emptied = removed.iter().any(|gone| homes.contains(&paths::name(gone.trim_end_matches("/*"))));
                    return !emptied;
                }
                "npm" | "yarn" | "pnpm" | "npx" | "compile" if matches!(effect, Effect::Build) => {
                    // A manager of packages installs where it is told nothing; another tool builds.
                    let installs = matches!(step.kind(), "npm" | "yarn" | "pnpm");
                    let verb =
                        step.subcommand().unwrap_or(if installs || step.program() == "bower" { "install" } else { "" });
                    // What pnpm keeps, it links into the project: it takes no room of its own.
                    fills |= matches!(verb, "install" | "i" | "ci" | "add") && step.kind() != "pnpm";
                    let words = || step.argv.iter().map(String::as_str);
                    bundles |= !matches!(verb, "install" | "i" | "ci" | "add" | "test" | "rebuild" | "prune")
                        && words().any(|word| Words::BuildWords.list().iter().any(|part| word.contains(part)));
                    if verb == "cache" {
                        return false;
                    }
                }
                "npm" | "yarn" if step.argv.iter().any(|arg| arg == "cache") => return false,
                _ => {}
            }
        }
        fills && bundles
    }

    /// Leaves behind a tool for building that was unpacked or moved somewhere, where Java starts and nothing else: a variable
    /// that says where the tool lies is its own.
    pub(super) fn leave_tools(&mut self) {
        const PROGRAMS: [&str; 9] = ["ant", "bazel", "cmake", "go", "gradle", "lein", "mvn", "ninja", "sbt"];
        // What else starts may start a build: a server for builds, a notebook, a script.
        let starts = &self.survey.entry.steps;
        if self.opaque || starts.is_empty() || !starts.iter().all(|step| step.program() == "java") {
            return;
        }
        let later = self.survey.units.iter().skip(self.last_build + 1).flat_map(|unit| unit.steps);
        let runs: Vec<&Step> = self.survey.entry.steps.iter().chain(later).collect();
        let started = |path: &str| {
            runs.iter()
                .any(|step| PROGRAMS.contains(&step.program()) || step.argv.iter().any(|word| word.contains(path)))
        };
        let project = |path: &str| {
            self.survey
                .units
                .iter()
                .filter_map(|unit| unit.copy.as_ref())
                .any(|copy| copy.context && copy.to.as_deref().is_some_and(|to| paths::within(to, path)))
        };
        let idle = |path: &str| stores::is_tool(path) && !started(path) && !project(path);
        let (left, carried): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.carried).into_iter().partition(|carried| idle(&carried.from));
        self.carried = carried;
        self.behind.extend(left.into_iter().map(|carried| carried.from));
    }
}
