//! What a person may choose about the rewrites. Defaults are what most people would ship.

use crate::model::paths;

/// Choices that transforms read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The image for the runtime stage, in place of the one that the builder stands on.
    pub runtime_base: Option<String>,
    /// The name that a new builder stage gets; a number is appended where the file already uses it.
    pub stage_name: String,
    /// The name of a user that has to be created.
    pub user: String,
    /// The name of its group.
    pub group: String,
    /// A fixed user id for a created user; `None` lets the distribution choose.
    pub uid: Option<u32>,
    /// A fixed group id for a created group.
    pub gid: Option<u32>,
    /// How USER names the user.
    pub user_style: UserStyle,
    /// Whether fixes bring along what they decided for each instruction.
    pub explain: bool,
    /// The path of the Dockerfile, from the root of its build context where there is one: what it is called says what it
    /// is for.
    pub file: Option<String>,
    /// How others use the image: what they start in it, and what they put there.
    pub starts: Vec<Start>,
    /// The Dockerfile beside it that stands on an image which is called like the folder of this one, with that name.
    pub namesake: Option<String>,
    /// The Dockerfiles of the project that make images which this one stands on.
    pub bases: Vec<Made>,
}

/// A Dockerfile of the project, by the image that it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The name of the image, without its tag.
    pub image: String,
    /// The path of the Dockerfile, as people are told.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

/// What puts a container into the network of its host, in the words of `docker run`.
pub const HOST_NETWORK: &str = "--network=host";

/// A use of the image that a file around the project asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// Who asks: `docker-compose.yml (service worker)`.
    pub by: String,
    /// The stage that is built for it; `None` for the last one.
    pub target: Option<String>,
    /// The words in the place of ENTRYPOINT, as a shell reads them.
    pub entrypoint: Option<String>,
    /// The words in the place of CMD, as a shell reads them.
    pub command: Option<String>,
    /// The folder that it runs in, in the place of the image's own.
    pub workdir: Option<String>,
    /// What asks whether the container is well, as a shell reads it.
    pub check: Option<String>,
    /// The user in the place of the image's own.
    pub user: Option<String>,
    /// What it is given beyond the rights of other containers, in the words of `docker run`: `--cap-add=NET_ADMIN`.
    pub rights: Vec<String>,
    /// What lies over folders of the image.
    pub mounts: Vec<Mount>,
    /// The Dockerfile of another service that stands on the image as it is called here.
    pub stood_on: Option<String>,
    /// Whether it is the shipped image that it starts in, and can't be another stage or another user.
    pub fixed: bool,
}

impl Start {
    /// Whether it is the stage of this name that is built for it, where that is the last.
    pub fn is_of(&self, stage: Option<&str>) -> bool {
        self.target.is_none() || self.target.as_deref() == stage
    }
}

/// A file, a folder or a volume that is mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What of the host it is, as it is written; `None` for a volume, which begins as what the image has there.
    pub host: Option<String>,
    /// Where it lies in the container.
    pub path: String,
    /// Where it and the build context lie to one another; `None` for a volume, and for what lies elsewhere.
    pub place: Option<Place>,
    /// Whether the container may write to it.
    pub writable: bool,
    /// Whether it belongs to root, whomever the folder of the image belongs to.
    pub of_root: bool,
}

/// Where something of the host that is mounted and the build context lie to one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The context lies in it, at this path; an empty one is the context itself.
    Around(String),
    /// It lies in the context, at this path.
    Inside(String),
}

impl Mount {
    /// The path in the build context of what the container sees at this one, as this is mounted there.
    pub fn in_context(&self, path: &str) -> Option<String> {
        let rest = paths::relative(path, &paths::join("/", &self.path))?;
        match self.place.as_ref()? {
            Place::Around(context) if context.is_empty() => Some(rest.to_owned()),
            Place::Around(context) => rest.strip_prefix(context.as_str())?.strip_prefix('/').map(str::to_owned),
            Place::Inside(folder) => Some(if rest.is_empty() { folder.clone() } else { format!("{folder}/{rest}") }),
        }
    }
}

impl Settings {
    /// Whether nothing is chosen that a rewrite goes by, but what the file is called.
    pub fn is_usual(&self) -> bool {
        let usual = Self { explain: self.explain, file: self.file.clone(), ..Self::default() };
        *self == usual
    }

    /// The path of the Dockerfile, where it says by its name, or by that of a folder among those for Docker, that it is
    /// for development: `Dockerfile.dev`, `docker/development/php/Dockerfile`.
    pub fn development_file(&self) -> Option<&str> {
        self.file.as_deref().filter(|file| {
            let file = file.to_ascii_lowercase();
            let (folders, name) = file.rsplit_once('/').unwrap_or(("", &file));
            let named = paths::words(name).any(is_development);
            let mut below = folders.split('/').skip_while(|part| !part.contains("docker"));
            named || below.any(is_development)
        })
    }

    /// The path of the Dockerfile, where it says that others build on what it makes: `docker/base/Dockerfile`.
    pub fn base_file(&self) -> Option<&str> {
        let base = |part: &str| ["base", "deps", "dependencies"].iter().any(|word| part.eq_ignore_ascii_case(word));
        self.file.as_deref().filter(|file| paths::words(file).any(base))
    }

    /// The path of the Dockerfile, where it says that people develop in what is built: `.devcontainer/Dockerfile`.
    pub fn development_container(&self) -> Option<&str> {
        self.file.as_deref().filter(|file| file.split('/').any(|part| part == ".devcontainer"))
    }
}

/// Whether a name, in lower case, is one of what people develop in: of a file, a folder or a stage.
pub fn is_development(name: &str) -> bool {
    ["dev", "devel", "develop", "developer", "development", "devcontainer"].contains(&name)
}

/// How USER names the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserStyle {
    /// By name, as the distribution's own tools do.
    #[default]
    Name,
    /// By `uid:gid`, which Kubernetes' `runAsNonRoot` can check.
    Numeric,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            runtime_base: None,
            stage_name: "builder".into(),
            user: "appuser".into(),
            group: "appgroup".into(),
            uid: None,
            gid: None,
            user_style: UserStyle::Name,
            explain: false,
            file: None,
            starts: Vec::new(),
            namesake: None,
            bases: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_path_of_a_dockerfile_says() {
        let of = |file: &str| Settings { file: Some(file.to_owned()), ..Settings::default() };
        for file in [
            "Dockerfile.dev",
            "docker/dev/Dockerfile",
            "docker/development/php/Dockerfile",
            ".docker/dev/app.Dockerfile",
        ] {
            assert!(of(file).development_file().is_some(), "{file}");
        }
        // A folder that nothing says is for Docker may hold a project of that name.
        for file in ["Dockerfile", "dev/Dockerfile", "development/api/Dockerfile", "docker/developers/Dockerfile"] {
            assert!(of(file).development_file().is_none(), "{file}");
        }
        assert!(
            of("docker/base/Dockerfile").base_file().is_some()
                && of("docker/ruby-base/Dockerfile").base_file().is_some()
                && of("Dockerfile.deps").base_file().is_some()
        );
        assert!(of("services/database/Dockerfile").base_file().is_none());
    }
}
