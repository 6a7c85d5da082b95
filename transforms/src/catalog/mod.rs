//! The transforms, in the order in which they are applied.

mod compile_ahead;
mod multi_stage;
mod non_root;

use crate::transform::Transform;

/// Every transform, in catalogue order: what starts comes before what is shipped, and what changes the
/// stages before what depends on them.
pub static ALL: &[&Transform] = &[&compile_ahead::TRANSFORM, &multi_stage::TRANSFORM, &non_root::TRANSFORM];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Context, MemoryContext};
    use crate::settings::Settings;
    use crate::transform::Applicability;
    use crate::{Request, rewrite};

    #[test]
    fn every_example_is_true() {
        for transform in ALL {
            let context = MemoryContext::new(transform.example.context.iter().map(|(name, text)| (*name, *text)));
            let context: &dyn Context = &context;
            let request = Request {
                transforms: &[transform],
                threshold: Applicability::Review,
                context: Some(context),
                settings: &Settings::default(),
            };
            let outcome = rewrite(transform.example.before.as_bytes(), &request).unwrap();
            let after = outcome.output.map(|bytes| String::from_utf8(bytes).unwrap()).unwrap_or_default();
            assert_eq!(after, transform.example.after, "{}: {:#?}", transform.id, outcome.findings);
        }
    }
}
