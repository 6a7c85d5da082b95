//! Which of the folders that the build worked in go along, and which stay behind.

use crate::knowledge::images::Kind;
use crate::knowledge::servers::{self, Server};
use crate::knowledge::words::Words;
use crate::model::commands::Step;
use crate::model::effects::{self, Effect};
use crate::model::{Base, paths};
use crate::syntax::Keyword;
use crate::transform::Refusal;

use super::super::plan::{self, Carried};
use super::super::survey::refuse;
use super::super::{runs, stores};

use super::last_build::is_build_script;
use super::staged::STAGE;
use super::{EMPTY, SCRATCH, Whole, shown};

impl<'s> Whole<'s, '_, '_> {
    /// Decides which of the folders that the build worked in go along.
    pub(super) fn settle_work(&mut self) -> Result<(), Refusal> {
        if let Some((folder, command, _)) = self.in_root.first() {
            if folder.is_empty() {
                let text = format!(
                    "`{command}` works in the working directory of the base image, which is not known; give the \
                     project a folder of its own with WORKDIR"
                );
                return Err(refuse("unknown-workdir", text, false));
            }
            let text = format!(
                "`{command}` works in {folder}, among the files of the system, and what it makes there can't be told; \
                 give the project a folder of its own with WORKDIR"
            );
            return Err(refuse("project-in-root", text, false));
        }
        for work in std::mem::take(&mut self.work) {
            let path = work.path.as_str();
            if self.removed.iter().any(|removed| paths::covers(removed, path)) {
                self.behind.push(path.to_owned());
                continue;
            }
            let needed = self.needs(path, work.last);
            if path == "/" {
                self.root |= self.brings_project("/");
                continue;
            }
            // A project that the image starts from scratch space or from the folder of homes lies there alone, or beside
            // what the same base has.
            // Where what starts was put elsewhere, nothing of it is left there.
            let started = self.survey.entry.steps.first().map_or("", Step::program);
            let elsewhere = |carried: &Carried| {
                !paths::within(&carried.to, path) && paths::name(&carried.to) == started && !started.is_empty()
            };
            if path == "/tmp" && self.carried.iter().any(elsewhere) && !self.brings_project(path) {
                self.behind.push(path.to_owned());
                continue;
            }
            let lives = matches!(path, "/tmp" | "/home")
                && self.survey.model.final_workdir(self.survey.stage) == Some(path)
                && !self.removed.iter().any(|removed| paths::parent(removed) == path && removed.ends_with("/*"));
            let own = EMPTY.contains(&path) && (path != "/home" || !self.has_homes()) || path == "/root" || lives;
            if Words::SystemFolders.has(path) && !own && path != "/tmp" && path != "/var/tmp"
                || path == "/tmp" && needed && !lives
            {
                if self.brings_project(path) || needed {
                    let text = format!("the build works in {path}, among other files of the system; give it a WORKDIR");
                    return Err(refuse("project-in-system-folder", text, false));
                }
                continue;
            }
            let scratch = stores::scratch(path, &SCRATCH);
            let served =
                || self.serves_by_settings(&|text: &str| text.contains(path)) && !self.serves_as_it_comes(path);
            if !needed && (work.installed || scratch || served()) {
                if !scratch {
                    self.assumptions.push(format!(
                        "nothing reads {path} when the container runs: what was made there was installed"
                    ));
                    // What was moved into it was for the build.
                    self.carried.retain(|carried| {
                        carried.from != carried.to || carried.from == path || !paths::within(&carried.from, path)
                    });
                }
                self.behind.push(path.to_owned());
                continue;
            }
            if stores::system(path) && !needed {
                continue;
            }
            self.carry(path, work.last, work.evidence.clone());
        }
        // What lies in a folder goes along with it.
        let all = self.carried.clone();
        self.carried.retain(|carried| {
            carried.from != carried.to
                || !all.iter().any(|other| other.from != carried.from && paths::within(&carried.from, &other.from))
        });
        Ok(())
    }

    /// Leaves out what lay where the build puts a link in the end: the runtime stage has the link, and what it points to goes
    /// along by itself.
    pub(super) fn leave_links(&mut self) {
        let survey = self.survey;
        let used_later = |step: &Step, path: &str| {
            survey.steps().any(|(_, other)| {
                let works = || effects::of(other).is_work() || is_build_script(other);
                let inside = || works() && other.cwd.as_deref().is_some_and(|cwd| paths::within(cwd, path));
                let named =
                    || other.args().iter().filter_map(|arg| other.path(arg)).any(|arg| paths::within(&arg, path));
                other.span.start > step.span.start && other.program() != "ln" && (inside() || named())
            })
        };
        let mut links: Vec<String> = Vec::new();
        for unit in survey.units.iter().take(self.last_build + 1) {
            for step in unit.steps.iter().filter(|step| step.program() == "rm" && step.always) {
                let link = runs::link_in_place(unit, step).map(|(_, path)| path);
                links.extend(link.filter(|path| !used_later(step, path)));
            }
        }
        let replaced = |path: &str| links.iter().any(|link| paths::within(path, link));
        self.work.retain(|work| !replaced(&work.path));
        self.carried.retain(|carried| !replaced(&carried.from));
    }

    /// Refuses a link in a folder that goes along, at the place of a folder that the runtime stage has: COPY does not put
    /// the one over the other.
    ///
    /// # Errors
    /// The first such link: `rmdir /var/www/html && ln -s /var/www/public /var/www/html`.
    pub(super) fn links_over_folders(&self) -> Result<(), Refusal> {
        let model = self.survey.model;
        let base = model.workdir(self.survey.stage.body.start);
        let there = [base, model.final_workdir(self.survey.stage)];
        // In a folder that is there, `ln` puts the link into it.
        let mut folders: Vec<String> = base.into_iter().map(str::to_owned).collect();
        // What is taken away in the base's own folder was the base's, where nothing made it: `rm -r htdocs && ln -s …`.
        let mut taken: Vec<String> = Vec::new();
        let mut found = None;
        for unit in self.survey.units.iter().take(self.last_build + 1) {
            folders.extend(model.workdir(unit.index + 1).map(str::to_owned));
            folders.extend(unit.copy.iter().filter_map(|copy| copy.to.clone()));
            for step in unit.steps {
                let named = || step.args().iter().filter(|arg| !arg.starts_with('-'));
                let link = step.link().map(|(_, link)| link).filter(|link| !link.ends_with('/'));
                if let Some(made) = link.and_then(|link| step.path(link))
                    && (there.contains(&Some(made.as_str())) || taken.contains(&made))
                    && !folders.contains(&made)
                    && self.carried.iter().any(|carried| carried.to != made && paths::within(&made, &carried.to))
                {
                    found.get_or_insert((step, made));
                }
                if let Effect::Fetch(fetched) = effects::of(step) {
                    folders.extend(fetched.iter().cloned());
                }
                match step.program() {
                    "mkdir" => folders.extend(named().filter_map(|word| step.path(word))),
                    "rm" | "rmdir" | "mv" => {
                        let own = |path: &String| base.is_some_and(|base| base != "/" && paths::within(path, base));
                        let made = |path: &String| {
                            let others = folders.iter().filter(|folder| Some(folder.as_str()) != base);
                            others.into_iter().any(|folder| paths::within(path, folder))
                        };
                        let named_paths = named().filter_map(|word| step.path(word));
                        taken.extend(named_paths.filter(|path| step.program() == "rm" && own(path) && !made(path)));
                        folders.retain(|folder| !named().any(|word| step.path(word).as_deref() == Some(folder)));
                    }
                    _ => {}
                }
            }
        }
        let Some((step, made)) = found else { return Ok(()) };
        let text = format!("`{}` puts a link where the shipped image has the folder {made}", shown(step));
        Err(refuse("entangled", text, false))
    }

    /// The command that puts a project in the root folder into a folder of its own: everything there that is not the
    /// system's, and that does not go along by itself.
    pub(super) fn root_project(&mut self) -> Result<Option<String>, Refusal> {
        if !self.root {
            return Ok(None);
        }
        let last = self.survey.units.get(self.last_build).map_or(self.survey.stage.body.end, |unit| unit.index + 1);
        let user = self.survey.model.user(last).and_then(|user| user.text.split(':').next());
        if !matches!(user, None | Some("root" | "0" | "")) {
            let text = "the project lies in the root folder, and another than root builds it; give it a WORKDIR";
            return Err(refuse("project-in-root", text, false));
        }
        let installs = |step: &Step| {
            let name = paths::name(step.argv.iter().find(|word| word.contains('/')).map_or("", String::as_str));
            is_build_script(step) && ["install", "setup"].iter().any(|word| name.contains(word))
        };
        if let Some((_, script)) = self.survey.steps().find(|(_, step)| installs(step)) {
            let text = format!("`{}` installs, and what it does is not there to read", shown(script));
            return Err(refuse("built-by-a-script", text, true));
        }
        // What the runtime stage works on has to be there, and what lies in the root folder comes behind its commands.
        let mut built = self.survey.units.iter().take(self.last_build + 1).flat_map(|unit| unit.steps);
        if let Some(step) = built.find(|step| self.works_in_root(step)) {
            let text = format!(
                "the project lies in the root folder, and `{}` works on files beside it; give it a WORKDIR",
                shown(step)
            );
            return Err(refuse("project-in-root", text, false));
        }
        let mut names: Vec<&str> = Words::SystemFolders.list().iter().filter_map(|path| path.get(1..)).collect();
        names.retain(|name| !name.is_empty() && !name.contains('/'));
        names.extend(["libx32", paths::name(STAGE)]);
        let carried = self.carried.iter().filter(|carried| carried.from == carried.to);
        let known = carried.map(|carried| &carried.from).chain(&self.behind);
        names.extend(known.filter_map(|path| path.get(1..)).filter(|name| !name.is_empty() && !name.contains('/')));
        names.sort_unstable();
        names.dedup();
        let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let names: Vec<&str> = names.into_iter().filter(plain).collect();
        let command = format!(
            "mkdir -p {STAGE} && ls -A / | grep -vxE '{}' | xargs -I '{{}}' cp -a '/{{}}' {STAGE}/",
            names.join("|")
        );
        self.stage(|| "the project lies in the root folder: everything there that is not the system's".into());
        self.assumptions
            .push("what is built in the root folder lies in no folder of the system's, such as /lib".into());
        Ok(Some(command))
    }

    /// The folder above that modules are installed into, where the folder of the command has no manifest by then: npm and
    /// Yarn look for the nearest one upwards.
    pub(super) fn installs_above(&self, at: usize, step: &Step, cwd: &str) -> Option<String> {
        let installs = matches!(step.program(), "npm" | "yarn")
            && matches!(step.subcommand().unwrap_or_default(), "install" | "i" | "ci" | "")
            && !step.args().iter().any(|arg| matches!(arg.as_str(), "-g" | "--global" | "-C" | "--prefix" | "--cwd"));
        if !installs {
            return None;
        }
        let before = self.survey.units.get(..at)?;
        let others = before.iter().flat_map(|unit| unit.steps.iter()).any(|other| {
            other.cwd.as_deref() == Some(cwd) && !matches!(other.program(), "npm" | "yarn" | "mkdir" | "chown")
        });
        let copies = || before.iter().filter_map(|unit| Some((unit, unit.copy.as_ref()?)));
        let staged = copies().any(|(unit, copy)| {
            unit.instruction.flags.iter().any(|flag| flag.name == "from")
                && copy.to.as_deref().is_none_or(|to| paths::within(to, cwd) || paths::within(cwd, to))
        });
        if others || staged {
            return None;
        }
        let has = |folder: &str| {
            let path = paths::join(folder, "package.json");
            let brought = copies().any(|(_, copy)| {
                copy.to.as_deref().is_some_and(|to| {
                    copy.sources.iter().any(|source| match paths::name(source) {
                        "package.json" => to == path || paths::join(to, "package.json") == path,
                        name if name.starts_with("package") => to == folder,
                        name => !name.trim_start_matches('.').contains('.') && paths::within(&path, to),
                    })
                })
            });
            brought && self.survey.read(&path).is_some()
        };
        if has(cwd) {
            return None;
        }
        let mut folder = cwd;
        while folder != "/" {
            folder = paths::parent(folder);
            if has(folder) {
                return Some(folder.to_owned());
            }
        }
        None
    }

    /// Whether a command that sets something up works on files in the root folder that do not go along by themselves.
    fn works_in_root(&self, step: &Step) -> bool {
        let sets_up = match effects::of(step) {
            Effect::Files(_) => !matches!(step.program(), "rm" | "mkdir"),
            Effect::Writes(_) | Effect::Configure | Effect::Unknown => true,
            _ => false,
        };
        let beside = |path: &str| {
            let top = path.split('/').nth(1).map(|name| format!("/{name}")).filter(|top| top.len() > 1);
            top.is_some_and(|top| {
                !Words::SystemFolders.has(top.as_str())
                    && !self.carried.iter().any(|carried| paths::within(path, &carried.from) && carried.from != "/")
            })
        };
        let named =
            |word: &&String| word.starts_with('/') || !word.starts_with(['$', '~']) && step.cwd.as_deref() == Some("/");
        let files = step.args().iter().filter(|word| !word.starts_with('-') && !word.contains("://"));
        let words = files.skip(runs::no_files(step)).filter(|_| !matches!(effects::of(step), Effect::Configure));
        sets_up && words.chain(&step.outputs).filter(named).filter_map(|word| step.path(word)).any(|path| beside(&path))
    }

    /// Whether a command that seems to work in the root folder does so: an image that is not known may have a working
    /// directory of its own.
    pub(super) fn stands_in_root(&self, at: usize, step: &Step) -> bool {
        let known = self.survey.model.known(self.survey.stage).is_some();
        let said = self.survey.units.iter().take(at).any(|unit| unit.instruction.keyword == Keyword::Workdir);
        let goes = || {
            self.survey.units.get(at).is_some_and(|unit| {
                let mut before = unit.steps.iter().take_while(|other| other.span.start < step.span.start);
                before.any(|other| other.program() == "cd")
            })
        };
        // The packages of Go lie in a folder of their own, wherever it is told to get them.
        let elsewhere = step.kind() == "go" && step.subcommand() != Some("build");
        known || said || goes() || elsewhere || !matches!(self.survey.stage.base, Base::Image { .. })
    }

    /// Whether a COPY puts a project, or what a tool of the build reads of one, into the root folder.
    pub(super) fn lies_in_root(&self) -> bool {
        let mut brought = self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref());
        self.brings_project("/")
            || brought.any(|copy| {
                copy.context
                    && copy.sources.iter().any(|source| Words::Manifests.has(paths::name(source)))
                    && copy.to.as_deref().is_some_and(|to| to == "/" || !copy.folder && paths::parent(to) == "/")
            })
    }

    /// Whether the base image has users whose homes would become root's.
    fn has_homes(&self) -> bool {
        self.image.as_ref().is_some_and(|image| image.users().any(|user| user.home.starts_with("/home")))
            || self.survey.steps().any(|(_, step)| matches!(effects::of(step), Effect::User))
    }

    /// Whether the project lies in root's home: a COPY brings it there, and it runs there.
    pub(super) fn lives_at_home(&self) -> bool {
        let brought = self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref());
        let inside = |to: &str| {
            let rest = paths::relative(to, "/root");
            rest.is_some_and(|rest| !rest.starts_with('.'))
        };
        self.brings_project("/root")
            || self.survey.model.final_workdir(self.survey.stage) == Some("/root")
                && brought.filter(|copy| copy.context).filter_map(|copy| copy.to.as_deref()).any(inside)
    }

    /// Whether a COPY puts the project into a folder.
    fn brings_project(&self, folder: &str) -> bool {
        self.survey.units.iter().take(self.last_build + 1).filter_map(|unit| unit.copy.as_ref()).any(|copy| {
            copy.context
                && copy.to.as_deref() == Some(folder)
                && copy.sources.iter().any(|source| {
                    let name = paths::name(source);
                    matches!(source.as_str(), "." | "./" | "*" | "/") || !name.contains('.') && name != "Dockerfile"
                })
        })
    }

    /// Whether anything that runs, or any instruction after the build, names a folder.
    pub(super) fn needs(&self, path: &str, last: usize) -> bool {
        let model = self.survey.model;
        let names = |text: &str| paths::is_named(text, path);
        let anywhere = self.serves_by_settings(&names) && !self.serves_as_it_comes(path);
        let starts_in = |cwd: &str| cwd != "/" && paths::within(cwd, path);
        if !anywhere && model.final_workdir(self.survey.stage).is_some_and(starts_in) {
            return true;
        }
        let entry = self
            .survey
            .entry
            .steps
            .iter()
            .any(|step| !anywhere && plan::mentions(step, path) || step.argv.iter().any(|arg| names(arg)));
        entry
            || self.survey.units.iter().enumerate().any(|(at, unit)| match unit.instruction.keyword {
                // Everybody writes to scratch space, and finds it empty.
                Keyword::Env | Keyword::Volume if SCRATCH.contains(&path) => false,
                Keyword::Env | Keyword::Volume | Keyword::Healthcheck => {
                    names(&model.expand(unit.index, &unit.instruction.args.text).text)
                }
                Keyword::Copy | Keyword::Add if at > last => {
                    unit.copy.as_ref().and_then(|copy| copy.to.as_deref()).is_some_and(|to| paths::within(to, path))
                }
                Keyword::Run => unit.steps.iter().any(|step| {
                    // What the builder does with it later is done there.
                    let later = at > last.max(self.last_build)
                        && step.program() != "rm"
                        && !matches!(effects::of(step), Effect::User | Effect::Install(_));
                    // A settings file that is told of it: `echo '* * * * * /srv/app/update' >> /etc/crontab`.
                    let tells = step
                        .outputs
                        .iter()
                        .any(|output| output.starts_with("/etc") || output.starts_with("/var/spool"))
                        && matches!(step.kind(), "nothing" | "tee")
                        && step.argv.iter().any(|arg| names(arg));
                    if tells && !SCRATCH.contains(&path) {
                        return true;
                    }
                    (later || step.program() == "ln")
                        && step
                            .argv
                            .iter()
                            .filter(|arg| !arg.starts_with('-'))
                            .any(|arg| step.path(arg).is_some_and(|named| paths::within(&named, path)))
                }),
                _ => false,
            })
    }

    /// Whether the build fills a folder that the base image's server runs programs from, or has its pages in, where no
    /// settings say another. The settings of who runs PHP may be those of a server in another container.
    fn serves_as_it_comes(&self, path: &str) -> bool {
        let Some(image) = &self.image else { return false };
        let around = |pages: &str| paths::within(path, pages) || paths::within(pages, path) && path != "/";
        let runs = image.language().is_some_and(|language| language != "java");
        let server = servers::server(image.name(), image.name(), image.family());
        let mut pages = server.iter().flat_map(Server::filled).filter(|pages| !pages.starts_with("/etc"));
        (runs || pages.any(around)) && self.fills(path)
    }

    /// Whether the build brings anything into a folder, or makes something of its own in it.
    fn fills(&self, folder: &str) -> bool {
        let into = |path: &String| paths::within(path, folder);
        self.survey.units.iter().take(self.last_build + 1).any(|unit| {
            let copied = unit.copy.as_ref().and_then(|copy| copy.to.as_deref());
            copied.is_some_and(|to| paths::within(to, folder) || paths::within(folder, to) && to != "/")
                || unit.steps.iter().any(|step| match effects::of(step) {
                    Effect::Fetch(made) | Effect::Writes(made) => made.iter().any(into),
                    Effect::Build => step.kind() != "php-ext" && step.cwd.as_ref().is_some_and(into),
                    _ => false,
                })
        })
    }

    /// Whether a web server starts, which finds what it serves by its settings and not by the folder that it starts in,
    /// and none of the settings in the context is one that `names` finds something in.
    pub(super) fn serves_by_settings(&self, names: &dyn Fn(&str) -> bool) -> bool {
        let Some(context) = self.survey.model.context else { return false };
        let server = |step: &Step| matches!(step.program(), "nginx" | "httpd" | "httpd-foreground" | "apachectl");
        let serves = match self.survey.entry.steps.as_slice() {
            [] => self.image.as_ref().is_some_and(|image| image.kind() == Kind::Server),
            [step] => server(step),
            _ => false,
        };
        let settings = |file: &&String| {
            let name = paths::name(file);
            name.contains(".conf") || name.contains("nginx") || file.contains("nginx/") || name.ends_with(".template")
        };
        let writes = |step: &Step| {
            matches!(step.program(), "sed" | "echo" | "printf" | "cat" | "tee" | "ln" | "envsubst")
                && step.argv.iter().any(|arg| names(arg))
        };
        serves
            && self.survey.units.iter().all(|unit| unit.instruction.heredocs.is_empty())
            && !self.survey.steps().any(|(_, step)| writes(step))
            && !context
                .files()
                .iter()
                .filter(settings)
                .any(|file| context.read(file).is_none_or(|text| names(&String::from_utf8_lossy(&text))))
    }
}
