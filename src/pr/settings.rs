//! How requests are made: the command line, then `[pr]` of the repository's `dockwright.toml`, then what is usual.

use toml::Spanned;

use crate::cli::{CommitStyle, Group, RequestArgs};
use crate::config::PrTable;

/// What holds for one repository.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Whether the repository wants requests at all.
    pub(super) enabled: bool,
    pub(super) group: Group,
    /// The base branch, where one is named.
    pub(super) base: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) reviewers: Vec<String>,
    pub(super) assignees: Vec<String>,
    pub(super) draft: bool,
    pub(super) limit: Option<usize>,
    pub(super) style: CommitStyle,
    pub(super) signoff: bool,
    pub(super) author: Option<String>,
}

impl Settings {
    pub(super) fn new(args: &RequestArgs, table: PrTable) -> Self {
        let names = |typed: &[String], written: Vec<Spanned<String>>| match typed.is_empty() {
            true => written.into_iter().map(Spanned::into_inner).collect(),
            false => typed.to_vec(),
        };
        let text = |typed: &Option<String>, written: Option<Spanned<String>>| {
            typed.clone().or(written.map(Spanned::into_inner))
        };
        Self {
            enabled: table.enabled.unwrap_or(true),
            group: args.group_by.or(table.group_by).unwrap_or(Group::Transform),
            base: text(&args.base, table.base),
            labels: names(&args.label, table.labels),
            reviewers: names(&args.reviewer, table.reviewers),
            assignees: names(&args.assignee, table.assignees),
            draft: args.draft.or(table.draft).unwrap_or(false),
            limit: args.limit.or(table.limit).map(std::num::NonZeroUsize::get),
            style: args.commit_style.or(table.commit_style).unwrap_or(CommitStyle::Auto),
            signoff: args.signoff.or(table.signoff).unwrap_or(false),
            author: text(&args.author, table.author),
        }
    }
}
