//! What an image has from its base alone: `golang` sets GOPATH and `debian` does not, and nobody asked for it.

use dockwright_transforms::model::{Base, Model};
use dockwright_transforms::settings::Settings;
use dockwright_transforms::syntax::File;

/// The Dockerfile of the bare base of what `source` ships: what stands before the first FROM, and the FROM at the bottom
/// of the last stage, byte for byte. `None` where that is the empty image, or nothing is shipped.
pub(super) fn base(source: &[u8]) -> Option<Vec<u8>> {
    let file = File::parse(source).ok()?;
    let settings = Settings::default();
    let model = Model::new(&file, None, &settings);
    let bottom = model.bottom(model.shipped()?);
    if bottom.base == Base::Scratch {
        return None;
    }
    let first = model.stages.iter().map(|stage| stage.from).min()?;
    let start = file.instructions.get(first)?.span.start as usize;
    let from = file.instructions.get(bottom.from)?.span;
    let mut text = source.get(..start)?.to_vec();
    text.extend_from_slice(source.get(from.start as usize..from.end as usize)?);
    text.push(b'\n');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Option<String> {
        base(source.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_base_is_the_from_at_the_bottom_with_the_arguments_that_it_reads() {
        let source = "# syntax=a/b\nARG V=1\nFROM a:$V AS one\nRUN x\nFROM b\nFROM one\nUSER c\n";
        assert_eq!(text(source).as_deref(), Some("# syntax=a/b\nARG V=1\nFROM a:$V AS one\n"));
        assert_eq!(text("FROM a\nFROM scratch\nCOPY --from=0 /x /\n"), None);
    }
}
