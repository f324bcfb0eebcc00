//! The keys above a node of a tree.

use crate::key_kind::{KeyKind, contains_image};

/// The keys above a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    /// The nearest key.
    pub(crate) key: KeyKind,
    /// True if a key contains `image`.
    pub(crate) below_image: bool,
    /// True if a key ends in `images`.
    pub(crate) below_images: bool,
    /// True for the value of a form field for an image, such as `image: {value: …, options: […]}`.
    pub(crate) is_choice: bool,
    /// The number of strings that enclose the node.
    pub(crate) embedded: u8,
}

/// Keys that have an image if they are below a key that contains `image`.
const CHOICES: [&str; 4] = ["value", "default", "options", "ref"];

impl Context {
    /// The context of a root: no keys.
    pub(crate) const ROOT: Self = Self {
        key: KeyKind::Other,
        below_image: false,
        below_images: false,
        is_choice: false,
        embedded: 0,
    };

    /// The context of an item that is an image.
    pub(crate) const IMAGE: Self = Self {
        key: KeyKind::Image,
        below_image: true,
        ..Self::ROOT
    };

    /// Returns the context below a key.
    pub(crate) fn below(self, name: &str) -> Self {
        let key = KeyKind::from_key(name);
        Self {
            key,
            below_image: self.below_image || contains_image(name),
            below_images: self.below_images || key == KeyKind::Images,
            is_choice: self.below_image && CHOICES.contains(&name),
            embedded: self.embedded,
        }
    }

    /// Returns the context within a string.
    pub(crate) fn within_string(self) -> Self {
        Self {
            key: KeyKind::Other,
            embedded: self.embedded + 1,
            ..self
        }
    }

    /// Returns the context of the items of a list. A key is weaker evidence for them than for a string.
    pub(crate) fn of_items(self) -> Self {
        let key = match self.key {
            KeyKind::Image => KeyKind::LikelyImage,
            KeyKind::Arguments | KeyKind::Variable => KeyKind::Other,
            key => key,
        };
        Self { key, ..self }
    }
}
