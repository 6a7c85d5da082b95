//! The command line as types: what was typed, nothing of what it means.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use dockwright_transforms::catalog;

/// Rewrites Dockerfiles into the ones you should ship: a builder stage, a small runtime stage, a non-root user.
#[derive(Debug, Parser)]
#[command(name = "dockwright", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options that every subcommand takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global options")]
    pub(crate) color: Color,
    /// How many files to work on at once; all processors by default, one for `verify`.
    #[arg(long, global = true, value_name = "N", help_heading = "Global options")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Rewrite Dockerfiles in place, or show what would change.
    Fix(FixArgs),
    /// Report what could be rewritten and what could not, and change nothing.
    Check(CheckArgs),
    /// Build Dockerfiles as they are and as they would be, run both, and compare.
    Verify(VerifyArgs),
    /// Open pull requests with the changes, one for each transform, and keep them up to date.
    Pr(Box<PrArgs>),
    /// Say what was found in one Dockerfile, with the evidence behind it.
    Explain(ExplainArgs),
    /// List the transforms.
    List(ListArgs),
    /// Print how Dockerfiles are read, one JSON object a file and line.
    Parse(ParseArgs),
    /// Check the laws of rewriting on every Dockerfile of a folder, and count what the transforms make of it.
    #[command(hide = true)]
    Laws(LawsArgs),
}

/// `parse`.
#[derive(Debug, Args)]
pub(crate) struct ParseArgs {
    /// The Dockerfiles; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present = "files_from")]
    pub(crate) files: Vec<std::path::PathBuf>,
    /// Also read the files that this file names, one a line.
    #[arg(long, value_name = "LIST")]
    pub(crate) files_from: Option<std::path::PathBuf>,
    /// Also say of each instruction that a shell runs whether its script is read.
    #[arg(long, hide = true)]
    pub(crate) shell: bool,
}

/// `fix`.
#[derive(Debug, Args)]
pub(crate) struct FixArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Write nothing; print the change as a unified diff that `git apply` and `patch` take.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Exit with 1 where something changed, or would.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Build and run both, and keep only what is proven to be the same; as `dockwright verify`, with its options.
    #[arg(long)]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// How to report.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: CheckFormat,
    /// Write to this file what would go to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// How the findings of `check` are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// Commands that GitHub Actions shows beside the lines.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// SARIF 2.1.0, for GitHub's code scanning and others.
    Sarif,
}

/// `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Compare with this Dockerfile, in place of what `fix` would make of the one at PATH.
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ProofFormat,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write to this file what would go to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// `pr`.
#[derive(Debug, Args)]
pub(crate) struct PrArgs {
    /// Push nothing and change nothing on the site; print what the requests would say.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// What kind of site it is [default: told from the address].
    #[arg(long, value_enum, value_name = "HOST")]
    pub(crate) host: Option<HostName>,
    /// The address of the site's API [default: told from the repository's address].
    #[arg(long, value_name = "URL")]
    pub(crate) api: Option<String>,
    /// The repository on the site [default: told from its address].
    #[arg(long, value_name = "OWNER/NAME", conflicts_with_all = ["repos", "org"])]
    pub(crate) repository: Option<String>,
    /// The remote that is pushed to.
    #[arg(long, value_name = "NAME", default_value = "origin", conflicts_with_all = ["repo", "repos", "org"])]
    pub(crate) remote: String,
    /// Ask again where a person closed a request before.
    #[arg(long)]
    pub(crate) reopen: bool,
    /// Build and run both, and ask only for what is proven to be the same; the request then shows the sizes.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Write what came of it to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) many: ManyArgs,
    #[command(flatten)]
    pub(crate) requests: RequestArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) proof: ProofArgs,
}

/// Which repositories, where it is not the one of the current folder.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other repositories")]
pub(crate) struct ManyArgs {
    /// A repository's address; it is cloned to a temporary folder.
    #[arg(long, value_name = "URL", conflicts_with_all = ["repos", "org"])]
    pub(crate) repo: Option<String>,
    /// The repositories that this file names, one a line: an address, or OWNER/NAME on the site.
    #[arg(long, value_name = "FILE", conflicts_with = "org")]
    pub(crate) repos: Option<PathBuf>,
    /// All repositories of an organisation, group or user, but those that are archived, empty, or forks.
    #[arg(long, value_name = "NAME")]
    pub(crate) org: Option<String>,
    /// Only this part of the repositories: `I/N`, the I-th of N; `auto` or `auto/N` reads the variables of GitLab's
    /// `parallel` (CI_NODE_INDEX, CI_NODE_TOTAL) or of a Kubernetes Indexed Job (JOB_COMPLETION_INDEX).
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<Shard>,
    /// Note here what is done; a run that was killed goes on from there.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// How long to wait, at most and in all, where the site asks for patience [default: 1h].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) patience: Option<Duration>,
    /// The least time between two requests that change something [default: 1s for more than one repository].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) pause: Option<Duration>,
}

/// How requests are made; each wins over the same key of `[pr]` in `dockwright.toml`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Requests (also keys of [pr] in dockwright.toml)")]
pub(crate) struct RequestArgs {
    /// One request for each transform, or one for all.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) group_by: Option<Group>,
    /// The branch that the requests are for [default: the site's own].
    #[arg(long, value_name = "BRANCH", value_parser = crate::config::name)]
    pub(crate) base: Option<String>,
    /// Labels of new requests.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = crate::config::name)]
    pub(crate) label: Vec<String>,
    /// Who is asked for a review of new requests; a team is written `ORG/TEAM`.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = crate::config::name)]
    pub(crate) reviewer: Vec<String>,
    /// Who new requests are assigned to.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = crate::config::name)]
    pub(crate) assignee: Vec<String>,
    /// Open requests as drafts.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) draft: Option<bool>,
    /// Have at most so many requests open in a repository.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// How titles are written.
    #[arg(long, value_enum, value_name = "STYLE")]
    pub(crate) commit_style: Option<CommitStyle>,
    /// Sign commits off.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) signoff: Option<bool>,
    /// Who commits, as `Name <address>` [default: as git has it].
    #[arg(long, value_name = "WHO", value_parser = crate::config::author)]
    pub(crate) author: Option<String>,
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    /// One transform.
    Transform,
    /// All of them.
    All,
}

/// How the titles of commits and requests are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CommitStyle {
    /// As most of the last commits are.
    Auto,
    /// `build: …`, as Conventional Commits say.
    Conventional,
    /// A sentence.
    Plain,
}

/// A part of the repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shard {
    /// The I-th of N, counted from 1.
    Part(usize, usize),
    /// What the scheduler's variables say, of so many where they do not say it.
    Auto(Option<usize>),
}

/// A part as it is typed.
fn shard(text: &str) -> Result<Shard, String> {
    let part = |text: &str| match text.split_once('/') {
        None if text == "auto" => Some(Shard::Auto(None)),
        Some(("auto", of)) => of.parse().ok().filter(|of| *of > 0).map(|of| Shard::Auto(Some(of))),
        Some((at, of)) => {
            let (at, of) = (at.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&at).then_some(Shard::Part(at, of))
        }
        None => None,
    };
    part(text).ok_or_else(|| "a part is `I/N` with I from 1 to N, `auto`, or `auto/N`".into())
}

/// The kinds of sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostName {
    /// GitHub and GitHub Enterprise.
    Github,
    /// GitLab.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
}

/// How images are built, run and compared.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(next_help_heading = "Building and running")]
pub(crate) struct ProofArgs {
    /// The container engine; by default the first of docker, podman, buildah that answers.
    #[arg(long, value_enum, value_name = "ENGINE")]
    pub(crate) engine: Option<EngineName>,
    /// The buildx builder that builds: remote, Kubernetes and cloud builders too.
    #[arg(long, value_name = "NAME")]
    pub(crate) builder: Option<String>,
    /// A build argument, for both builds.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) build_arg: Vec<String>,
    /// A secret of the builds, as `docker build --secret` takes it.
    #[arg(long, value_name = "SPEC")]
    pub(crate) secret: Vec<String>,
    /// Run this in both, in place of what the image starts with; words as in a shell.
    #[arg(long, value_name = "CMD")]
    pub(crate) run: Option<String>,
    /// A variable for what is run.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// Also ask the exposed ports for this path, besides `/` and what its page links to.
    #[arg(long, value_name = "PATH")]
    pub(crate) get: Vec<String>,
    /// How long to wait for an exposed port, a health check or the end of the program [default: 30s; 5s for an image
    /// that has neither port nor check].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) wait: Option<Duration>,
    /// How long one build may take: `90`, `90s`, `30m`, `1h` [default: 30m].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    /// How much memory a container may use, as the engine takes it: `512m`, `2g`.
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// The network of the builds, in place of the engine's default.
    #[arg(long, value_name = "NET")]
    pub(crate) network: Option<String>,
    /// The network of the containers; by default one of their own without a way out, or none at all.
    #[arg(long, value_name = "NET")]
    pub(crate) run_network: Option<String>,
    /// Parts of the configuration that are meant to change.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    pub(crate) accept: Vec<Part>,
    /// Keep the logs of all builds in this folder; by default those of failed ones are kept in a temporary one.
    #[arg(long, value_name = "DIR")]
    pub(crate) logs: Option<PathBuf>,
}

/// The container engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// Docker, with BuildKit.
    Docker,
    /// Podman.
    Podman,
    /// Buildah, which builds and runs without a daemon.
    Buildah,
}

/// The parts of an image's configuration that decide how it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[allow(missing_docs, reason = "they are the names of instructions")]
pub(crate) enum Part {
    Entrypoint,
    Cmd,
    Env,
    Workdir,
    Expose,
    Volume,
    Label,
    Healthcheck,
    Stopsignal,
}

/// How the result of `verify` is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ProofFormat {
    /// A table for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// A block for a pull request.
    Markdown,
}

/// A time as it is typed: a number of seconds, or with `s`, `m` or `h`.
fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, text.chars().last()),
        None => (text, None),
    };
    let factor = match unit {
        Some('h') => 3600.0,
        Some('m') => 60.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * factor);
    let duration = seconds.filter(|seconds| *seconds > 0.0).and_then(|one| Duration::try_from_secs_f64(one).ok());
    duration.ok_or_else(|| "a time is a number of seconds, or a number with `s`, `m` or `h`: `90`, `30m`".into())
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The Dockerfile to explain; `-` for standard input.
    #[arg(value_name = "FILE", default_value = "Dockerfile")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// Where the text of standard input would be a file: its folder gives the context and the settings.
    #[arg(long, value_name = "PATH")]
    pub(crate) stdin_path: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How to print the list.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

/// `laws`.
#[derive(Debug, Args)]
pub(crate) struct LawsArgs {
    /// Dockerfiles, or folders to look for them in.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Dockerfiles, folders to look for them in, or `-` for standard input.
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where the text of standard input would be a file: its folder gives the context and the settings.
    #[arg(long, value_name = "PATH")]
    pub(crate) stdin_path: Option<PathBuf>,
}

/// Where the result goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// How to report.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Write to this file what would go to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What to do to a Dockerfile, and how.
#[derive(Debug, Args)]
pub(crate) struct ChoiceArgs {
    /// Use only the fixes that need no review.
    #[arg(long)]
    pub(crate) safe: bool,
    /// Use these transforms only.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = transform_ids())]
    pub(crate) only: Vec<String>,
    /// Leave these transforms out.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = transform_ids())]
    pub(crate) skip: Vec<String>,
    /// The build context, in place of the folder that is found.
    #[arg(long, value_name = "DIR", conflicts_with = "no_context", help_heading = "Build context")]
    pub(crate) context: Option<PathBuf>,
    /// Read nothing but the Dockerfiles.
    #[arg(long, help_heading = "Build context")]
    pub(crate) no_context: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// Settings; each wins over the key of the same name in `dockwright.toml`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (also keys of [multi-stage] and [non-root] in dockwright.toml)")]
pub(crate) struct SettingsArgs {
    /// The image of the runtime stage: `scratch` or a reference.
    #[arg(long, value_name = "IMAGE", value_parser = crate::config::image)]
    pub(crate) runtime_base: Option<String>,
    /// The name of a new builder stage.
    #[arg(long, value_name = "NAME", value_parser = crate::config::stage_name)]
    pub(crate) stage_name: Option<String>,
    /// The name of a user that has to be created.
    #[arg(long, value_name = "NAME", value_parser = crate::config::account)]
    pub(crate) user: Option<String>,
    /// The name of its group.
    #[arg(long, value_name = "NAME", value_parser = crate::config::account)]
    pub(crate) group: Option<String>,
    /// The id of a created user.
    #[arg(long, value_name = "N", value_parser = crate::config::id)]
    pub(crate) uid: Option<u32>,
    /// The id of a created group.
    #[arg(long, value_name = "N", value_parser = crate::config::id)]
    pub(crate) gid: Option<u32>,
    /// How USER names the user.
    #[arg(long, value_enum, value_name = "STYLE")]
    pub(crate) user_style: Option<Style>,
}

/// How USER names the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Style {
    /// `USER appuser`
    Name,
    /// `USER 10001:10001`, which Kubernetes' `runAsNonRoot` can check.
    Numeric,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` says otherwise.
    #[default]
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// Makes this the choice of every stream.
    pub(crate) fn write_global(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

fn transform_ids() -> PossibleValuesParser {
    PossibleValuesParser::new(catalog::ALL.iter().map(|transform| transform.id))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, Shard, shard};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn parts_are_counted_from_one() {
        assert_eq!(shard("1/4"), Ok(Shard::Part(1, 4)));
        assert_eq!(shard("auto/4"), Ok(Shard::Auto(Some(4))));
        assert!(shard("auto").is_ok());
        for wrong in ["0/4", "5/4", "1", "1/0", "auto/0", "a/b", "-1/4"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
