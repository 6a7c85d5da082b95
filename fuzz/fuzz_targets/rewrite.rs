//! Any bytes: every transform, alone and with the others, keeps the laws.
#![no_main]

use dockwright_transforms::settings::Settings;
use dockwright_transforms::{Applicability, Request, Transform, catalog, laws};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| {
    let settings = Settings::default();
    let check = |transforms: &[&'static Transform]| {
        let request = Request { transforms, threshold: Applicability::Review, context: None, settings: &settings };
        if let Ok((outcome, violations)) = laws::check(source, &request)
            && !violations.is_empty()
        {
            let after = String::from_utf8_lossy(outcome.output.as_deref().unwrap_or_default()).into_owned();
            let ids: Vec<_> = transforms.iter().map(|transform| transform.id).collect();
            panic!("{ids:?}: {violations:#?}\n{after}");
        }
    };
    check(catalog::ALL);
    for transform in catalog::ALL {
        check(&[*transform]);
    }
});
