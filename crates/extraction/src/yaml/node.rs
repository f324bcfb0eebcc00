//! The nodes of a YAML document.

use std::rc::Rc;

/// A node of a YAML document. Scalars keep their text: `1.10` is not the number 1.1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A scalar other than null.
    Scalar(String),
    /// An empty plain scalar, `~` or `null`.
    Null,
    /// A sequence.
    List(Vec<Rc<Node>>),
    /// A mapping.
    Map(Map),
}

/// A mapping in document order. Each key occurs once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Map(pub(crate) Vec<(String, Rc<Node>)>);

impl Map {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let mut entries = self.0.iter();
        entries.find_map(|(name, value)| (name == key).then_some(&**value))
    }

    /// Returns the value of a key if it is a scalar other than null.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Node::Scalar(text) => Some(text),
            _ => None,
        }
    }
}
