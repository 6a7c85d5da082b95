//! Where a file of the image came from in the build context.

use super::{Model, Stage, paths};

/// The first answer of `accept` about a path in the build context that a COPY or ADD of `stage` may have brought `path`
/// from. Those that stand later are asked about first: what they bring lies over what was there.
pub fn find<T>(model: &Model<'_>, stage: &Stage, path: &str, accept: impl FnMut(String) -> Option<T>) -> Option<T> {
    above(model, stage, usize::MAX, path, accept)
}

/// As `find`, of what stands above instruction `index`.
pub fn above<T>(
    model: &Model<'_>,
    stage: &Stage,
    index: usize,
    path: &str,
    mut accept: impl FnMut(String) -> Option<T>,
) -> Option<T> {
    let body = model.body(stage).rev().filter(|(at, _)| *at < index);
    let copies = body.filter_map(|(at, _)| model.copied(at)).filter(|copied| copied.context);
    for copied in copies {
        let Some(to) = copied.to.as_deref() else { continue };
        for source in &copied.sources {
            let source = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            let source = if source == "." { "" } else { source };
            let inside = if source.contains(['*', '?', '[']) {
                let Some(rest) = paths::relative(path, to) else { continue };
                match source.rsplit_once('/') {
                    Some((folder, _)) => format!("{folder}/{rest}"),
                    None => rest.to_owned(),
                }
            } else if is_file(model, source) {
                let target = if copied.there { paths::join(to, paths::name(source)) } else { to.to_owned() };
                if target != path {
                    continue;
                }
                source.to_owned()
            } else {
                match (source, paths::relative(path, to)) {
                    (_, None) => continue,
                    ("", Some(rest)) => rest.to_owned(),
                    (source, Some("")) => source.to_owned(),
                    (source, Some(rest)) => format!("{source}/{rest}"),
                }
            };
            if let Some(answer) = accept(inside) {
                return Some(answer);
            }
        }
    }
    None
}

/// The files that the build context brings into `folder` of the image and the folders below it, as seen from there, in
/// order. Of a pattern, the files that it names.
pub fn below(model: &Model<'_>, stage: &Stage, folder: &str) -> Vec<String> {
    let Some(context) = model.context else { return Vec::new() };
    let files = context.files();
    let mut found: Vec<String> = Vec::new();
    let copies = model.body(stage).filter_map(|(index, _)| model.copied(index)).filter(|copied| copied.context);
    for copied in copies {
        let Some(to) = copied.to.as_deref() else { continue };
        // Most copies have nothing to do with the folder.
        if !paths::within(to, folder) && !paths::within(folder, to) {
            continue;
        }
        let mut put =
            |path: &str| found.extend(paths::relative(path, folder).filter(|rest| !rest.is_empty()).map(str::to_owned));
        for source in &copied.sources {
            let source = source.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            let source = if source == "." { "" } else { source };
            if let Some((head, tail)) = source.split_once('*') {
                let named = |file: &&String| {
                    file.strip_prefix(head).is_some_and(|rest| !rest.contains('/') && rest.ends_with(tail))
                };
                files.iter().filter(named).for_each(|file| put(&paths::join(to, paths::name(file))));
            } else if is_file(model, source) {
                put(&if copied.there { paths::join(to, paths::name(source)) } else { to.to_owned() });
            } else {
                let prefix = if source.is_empty() { String::new() } else { format!("{source}/") };
                let first = files.partition_point(|file| file.as_str() < prefix.as_str());
                let inside = files.get(first..).unwrap_or_default().iter();
                for rest in inside.map_while(|file| file.strip_prefix(prefix.as_str())) {
                    put(&paths::join(to, rest));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether the build context has a file of this path.
fn is_file(model: &Model<'_>, path: &str) -> bool {
    model.context.is_some_and(|context| context.files().binary_search_by(|file| file.as_str().cmp(path)).is_ok())
}
