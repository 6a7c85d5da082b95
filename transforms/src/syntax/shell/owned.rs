//! A script that keeps its texts itself, for texts that stand in no source.

use std::borrow::Cow;

use super::{Command, Compound, Item, Node, Redirect, Script, Word};

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn words(words: Vec<Word<'_>>) -> Vec<Word<'static>> {
    words.into_iter().map(Word::into_owned).collect()
}

fn redirects(redirects: Vec<Redirect<'_>>) -> Vec<Redirect<'static>> {
    let owned =
        |one: Redirect<'_>| Redirect { operator: text(one.operator), target: one.target.into_owned(), span: one.span };
    redirects.into_iter().map(owned).collect()
}

impl Script<'_> {
    /// The same script with texts of its own.
    pub fn into_owned(self) -> Script<'static> {
        let owned = |item: Item<'_>| Item {
            node: item.node.into_owned(),
            span: item.span,
            operator: item.operator,
            operator_span: item.operator_span,
        };
        Script { items: self.items.into_iter().map(owned).collect() }
    }
}

impl Word<'_> {
    fn into_owned(self) -> Word<'static> {
        let substitutions = self.substitutions.into_iter().map(Script::into_owned).collect();
        Word { raw: text(self.raw), span: self.span, substitutions }
    }
}

impl Node<'_> {
    fn into_owned(self) -> Node<'static> {
        match self {
            Node::Command(one) => Node::Command(Command {
                assignments: words(one.assignments),
                words: words(one.words),
                redirects: redirects(one.redirects),
                span: one.span,
            }),
            Node::Pipeline(nodes) => Node::Pipeline(nodes.into_iter().map(Node::into_owned).collect()),
            Node::Compound(one) => Node::Compound(Compound {
                kind: one.kind,
                bodies: one.bodies.into_iter().map(Script::into_owned).collect(),
                words: words(one.words),
                redirects: redirects(one.redirects),
                span: one.span,
            }),
            Node::Test(span) => Node::Test(span),
        }
    }
}
