//! How a change is written down: byte ranges of the source and what replaces them.

use crate::span::Span;

/// Replace the bytes of `span` by `text`. An empty span inserts, an empty text deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub span: Span,
    /// The bytes that come.
    pub text: Vec<u8>,
}

impl Edit {
    /// Puts `text` before the byte at `offset`.
    pub fn insert(offset: usize, text: impl Into<Vec<u8>>) -> Self {
        Self { span: Span::at(offset), text: text.into() }
    }

    /// Takes the bytes of `span` out.
    pub fn delete(span: Span) -> Self {
        Self { span, text: Vec::new() }
    }

    /// Puts `text` in the place of `span`.
    pub fn replace(span: Span, text: impl Into<Vec<u8>>) -> Self {
        Self { span, text: text.into() }
    }
}

/// Edits that belong together, in source order, no two of which touch the same byte.
///
/// The list is private so that the order and the disjointness hold by construction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditSet {
    edits: Vec<Edit>,
}

/// Two edits of one set want the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The earlier of the two.
    pub first: Span,
    /// The later of the two.
    pub second: Span,
}

impl EditSet {
    /// Sorts `edits` by position; insertions at one offset keep the order in which they were given and come before a
    /// replacement that starts there.
    ///
    /// # Errors
    /// [`Overlap`] names the first two edits that share a byte.
    pub fn new(mut edits: Vec<Edit>) -> Result<Self, Overlap> {
        edits.retain(|edit| !(edit.span.is_empty() && edit.text.is_empty()));
        // The sort is stable, so insertions at the same place stay in the order of the list.
        edits.sort_by_key(|edit| (edit.span.start, !edit.span.is_empty()));
        for pair in edits.windows(2) {
            if let [first, second] = pair
                && second.span.start < first.span.end
            {
                return Err(Overlap { first: first.span, second: second.span });
            }
        }
        Ok(Self { edits })
    }

    /// The edits, in source order.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.edits.iter()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The smallest range that holds every edit; empty at 0 for an empty set.
    pub fn span(&self) -> Span {
        match (self.edits.first(), self.edits.iter().map(|edit| edit.span.end).max()) {
            (Some(first), Some(end)) => Span { start: first.span.start, end },
            _ => Span::default(),
        }
    }

    /// Joins two sets.
    ///
    /// # Errors
    /// `other` comes back whole where one of its edits shares a byte with one of ours; `self` is then unchanged.
    pub fn union(&mut self, other: EditSet) -> Result<(), EditSet> {
        if self.edits.is_empty() {
            *self = other;
            return Ok(());
        }
        let mut all = self.edits.clone();
        all.extend(other.edits.iter().cloned());
        match EditSet::new(all) {
            Ok(joined) => {
                *self = joined;
                Ok(())
            }
            Err(_) => Err(other),
        }
    }

    /// Whether the source with every edit done is another text.
    pub fn changes(&self, source: &[u8]) -> bool {
        let gone: usize = self.edits.iter().map(|edit| edit.span.len()).sum();
        let come: usize = self.edits.iter().map(|edit| edit.text.len()).sum();
        gone != come || self.apply(source) != source
    }

    /// The source with every edit done.
    pub fn apply(&self, source: &[u8]) -> Vec<u8> {
        let grown: usize = self.edits.iter().map(|edit| edit.text.len()).sum();
        let mut out = Vec::with_capacity(source.len() + grown);
        let mut done = 0;
        for edit in &self.edits {
            let range = edit.span.range();
            out.extend_from_slice(source.get(done..range.start).unwrap_or_default());
            out.extend_from_slice(&edit.text);
            done = range.end;
        }
        out.extend_from_slice(source.get(done..).unwrap_or_default());
        out
    }

    /// Where a byte of the result came from: the offset in the source before the edits. Inserted bytes point at the
    /// place where they were inserted.
    pub fn origin(&self, offset: usize) -> usize {
        let (mut source, mut result) = (0usize, 0usize);
        for edit in &self.edits {
            let range = edit.span.range();
            let kept = range.start - source;
            if offset < result + kept {
                return source + (offset - result);
            }
            result += kept;
            if offset < result + edit.text.len() {
                return range.start;
            }
            result += edit.text.len();
            source = range.end;
        }
        source + (offset - result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(edits: Vec<Edit>) -> EditSet {
        EditSet::new(edits).unwrap()
    }

    #[test]
    fn edits_are_applied_in_source_order_whatever_order_they_came_in() {
        let set = set(vec![Edit::replace(Span::new(4, 5), "E"), Edit::insert(0, ">"), Edit::delete(Span::new(1, 2))]);
        assert_eq!(set.apply(b"abcde"), b">acdE");
    }

    #[test]
    fn an_insertion_before_a_replacement_is_kept_and_insertions_keep_their_order() {
        let set = set(vec![Edit::replace(Span::new(1, 2), "B"), Edit::insert(1, "1"), Edit::insert(1, "2")]);
        assert_eq!(set.apply(b"abc"), b"a12Bc");
    }

    #[test]
    fn an_overlap_is_refused_and_a_conflicting_set_is_handed_back() {
        let clash = vec![Edit::delete(Span::new(0, 3)), Edit::replace(Span::new(2, 4), "x")];
        assert!(EditSet::new(clash).is_err());
        let mut first = set(vec![Edit::delete(Span::new(0, 3))]);
        let second = set(vec![Edit::insert(2, "x")]);
        assert_eq!(first.union(second.clone()), Err(second));
        assert_eq!(first.apply(b"abcd"), b"d");
    }

    #[test]
    fn every_byte_of_the_result_knows_where_it_came_from() {
        let set = set(vec![Edit::insert(1, "xx"), Edit::replace(Span::new(2, 4), "Y")]);
        assert_eq!(set.apply(b"abcde"), b"axxbYe");
        let origins: Vec<_> = (0..6).map(|offset| set.origin(offset)).collect();
        assert_eq!(origins, [0, 1, 1, 1, 2, 4]);
    }
}
