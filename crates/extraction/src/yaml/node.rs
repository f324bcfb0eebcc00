//! The nodes of a YAML document.

use std::ops::Deref;
use std::rc::Rc;

/// A node of a YAML document. Scalars keep their text: `1.10` is not the number 1.1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A scalar other than null.
    Scalar(Scalar),
    /// An empty plain scalar, `~` or `null`.
    Null,
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping.
    Map(Map),
}

/// A scalar or a key: its text and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// The text.
    pub(crate) text: String,
    /// The line within the document, from 1. That of a block (`|`, `>`) is the first one of its text.
    pub(crate) line: usize,
    /// True for a literal block (`|`), whose lines are lines of the document.
    pub(crate) is_literal: bool,
}

impl Deref for Scalar {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A mapping in document order. Each key occurs once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Map(pub(crate) Vec<(Scalar, Rc<Node>)>);

impl Map {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let mut entries = self.0.iter();
        entries.find_map(|(name, value)| (**name == *key).then_some(&**value))
    }

    /// Returns the value of a key if it is a scalar other than null.
    pub(crate) fn scalar(&self, key: &str) -> Option<&Scalar> {
        match self.get(key)? {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the text of a key if it is a scalar other than null.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.scalar(key).map(|scalar| scalar.text.as_str())
    }

    /// Returns the text of a key if it is a scalar that is not empty.
    pub(crate) fn filled(&self, key: &str) -> Option<&str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    /// Returns the mapping of a key.
    pub(crate) fn map(&self, key: &str) -> Option<&Map> {
        match self.get(key)? {
            Node::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the items of a key, none if it is not a sequence.
    pub(crate) fn items(&self, key: &str) -> &[Rc<Node>] {
        match self.get(key) {
            Some(Node::List(items)) => items,
            _ => &[],
        }
    }

    /// Returns the items of a key that are mappings.
    pub(crate) fn maps(&self, key: &str) -> impl Iterator<Item = &Map> {
        self.items(key).iter().filter_map(|item| match &**item {
            Node::Map(map) => Some(map),
            _ => None,
        })
    }

    /// Returns the items of a key that are scalars.
    pub(crate) fn scalars(&self, key: &str) -> impl Iterator<Item = &Scalar> {
        self.items(key).iter().filter_map(|item| match &**item {
            Node::Scalar(scalar) => Some(scalar),
            _ => None,
        })
    }
}
