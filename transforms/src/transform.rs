//! What a transform is: one static value with an id, a reason, an example that is executed, and a function that finds.

use crate::edit::EditSet;
use crate::model::Model;
use crate::span::Span;
use crate::syntax::Keyword;

/// One kind of change to a Dockerfile.
///
/// Everything that lists transforms (help, `list`, `explain`, the README's table, the first test) reads these fields.
#[derive(Debug)]
pub struct Transform {
    /// A stable name in kebab case, which settings and ignore comments use.
    pub id: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// Why anybody would want it, in a few sentences.
    pub why: &'static str,
    /// The best that a fix of this transform can be; one finding may be less sure, never surer.
    pub applicability: Applicability,
    /// A Dockerfile before and after, held true by a test.
    pub example: Example,
    /// Looks at the model and says where the transform applies, or why it does not.
    pub find: for<'m> fn(&'m Model<'m>) -> Vec<Finding>,
    /// Whether one round of it is all there is: its own result has nothing more for it, so that it is not asked about it.
    /// `dockwright laws` asks, and sees whether that is so.
    pub once: bool,
    /// Instructions whose value it means to be another in the image: who compares the images of before and after holds
    /// nothing against it there.
    pub changes: &'static [Keyword],
    /// Looks at a file before and after, where the transform has fixed something, and says what does not hold that it
    /// promises. The laws ask this of every result; nothing else does.
    pub broken: fn(before: &Model<'_>, after: &Model<'_>) -> Vec<String>,
}

/// For a transform that promises nothing beyond the laws.
pub fn nothing_broken(_: &Model<'_>, _: &Model<'_>) -> Vec<String> {
    Vec::new()
}

/// How sure a fix is. The order is the policy: a threshold admits everything at or above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// There is no fix, only a reason.
    Manual,
    /// Right under assumptions that the finding names; a person should read the diff.
    Review,
    /// What runs is preserved, by evidence that the tool holds.
    Safe,
}

impl Applicability {
    /// The lower-case name, as reports print it.
    pub fn name(self) -> &'static str {
        match self {
            Applicability::Manual => "manual",
            Applicability::Review => "review",
            Applicability::Safe => "safe",
        }
    }
}

/// A documented example. The test of the catalogue runs it.
#[derive(Debug)]
pub struct Example {
    /// The Dockerfile that somebody has.
    pub before: &'static str,
    /// Files of the build context, as (path, content).
    pub context: &'static [(&'static str, &'static str)],
    /// The Dockerfile after this transform alone.
    pub after: &'static str,
}

/// Where a transform applies, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What the finding is about.
    pub span: Span,
    /// What is wrong, in one sentence that starts with a capital letter and has no full stop.
    pub message: String,
    /// The fix, or the reason why there is none.
    pub outcome: FindingOutcome,
}

/// What came of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingOutcome {
    /// A change that mends it.
    Fix(Fix),
    /// Why it is left as it is.
    Refused(Refusal),
}

/// Edits that belong together: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What the change does, in one imperative line.
    pub title: String,
    /// How sure it is.
    pub applicability: Applicability,
    /// The range that the fix reasons about: two fixes whose claims overlap are never applied to the same text. It
    /// holds every edit.
    pub claim: Span,
    /// The change itself.
    pub edits: EditSet,
    /// What was taken for granted, a sentence each. Empty for a safe fix.
    pub assumptions: Vec<String>,
    /// Those of them that somebody has to see to, in another file.
    pub tasks: Vec<String>,
    /// What was decided, piece by piece, where the settings ask for it.
    pub decisions: Vec<Decision>,
}

/// What a fix decided for one instruction, or for one thing that it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The line of the instruction, counted from 1; `None` for what the fix adds.
    pub line: Option<u32>,
    /// The instruction, shortened, or what is added.
    pub what: String,
    /// Where it goes: `builder`, `runtime`, `both`.
    pub place: &'static str,
    /// The fact behind it.
    pub evidence: String,
}

/// Why a finding has no fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A stable code in kebab case, counted by the corpus runner and printed as `reason` in JSON.
    pub code: &'static str,
    /// The reason as a person would say it, with what they could do where there is something.
    pub text: String,
    /// Whether this is the right answer (`true`: there is nothing to do or root is wanted), or a limit of the tool.
    pub settled: bool,
}
