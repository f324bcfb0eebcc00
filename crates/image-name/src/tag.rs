//! Tags.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
///
/// Source: distribution specification, "Pulling manifests". Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

/// The reason why a text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The text is empty.
    #[error("the tag is empty")]
    Empty,
    /// The text begins with `.` or `-`.
    #[error("a tag cannot begin with `{first}`: only letters, digits and `_` are allowed there")]
    FirstCharacter {
        /// The first character.
        first: char,
    },
    /// The text has a character outside the grammar.
    #[error("{character:?} is not allowed in a tag: only letters, digits, `.`, `_` and `-` are")]
    Character {
        /// The first such character.
        character: char,
    },
    /// The text is longer than [`Tag::MAX_LENGTH`].
    #[error(
        "the tag is {length} characters long: at most {} are allowed",
        Tag::MAX_LENGTH
    )]
    TooLong {
        /// The length of the text in bytes.
        length: usize,
    },
}

impl Tag {
    /// The length of the longest tag that the specification allows.
    pub const MAX_LENGTH: usize = 128;

    /// Wraps a text that this crate has put together by the grammar.
    pub(crate) fn trusted(text: String) -> Self {
        Self(text.into())
    }

    /// Returns the tag's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first = text.chars().next().ok_or(TagError::Empty)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(TagError::Character { character });
        }
        if matches!(first, '.' | '-') {
            return Err(TagError::FirstCharacter { first });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(TagError::TooLong { length: text.len() });
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<&str> for Tag {
    type Error = TagError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_of_the_specification_are_parsed() {
        let longest = "x".repeat(Tag::MAX_LENGTH);
        for text in ["latest", "v1.2.3", "_", "0", "A-b_c.d", "1..2", &longest] {
            assert_eq!(
                text.parse::<Tag>().map(|tag| tag.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn text_outside_the_grammar_is_refused() {
        let long = "x".repeat(Tag::MAX_LENGTH + 1);
        let cases = [
            ("", TagError::Empty),
            (".", TagError::FirstCharacter { first: '.' }),
            ("..", TagError::FirstCharacter { first: '.' }),
            ("-v", TagError::FirstCharacter { first: '-' }),
            ("a/../b", TagError::Character { character: '/' }),
            ("v1?evil", TagError::Character { character: '?' }),
            ("a%2e", TagError::Character { character: '%' }),
            ("a#b", TagError::Character { character: '#' }),
            ("a\\b", TagError::Character { character: '\\' }),
            ("a:b", TagError::Character { character: ':' }),
            ("v1\n", TagError::Character { character: '\n' }),
            (" v1", TagError::Character { character: ' ' }),
            (
                "v\u{fc}",
                TagError::Character {
                    character: '\u{fc}',
                },
            ),
            ("v\u{0}", TagError::Character { character: '\0' }),
            (&long, TagError::TooLong { length: 129 }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Tag>(), Err(expected), "{text:?}");
        }
    }

    /// The grammar as the specification writes it, checked in another way than by [`Tag`].
    fn matches_the_grammar(text: &str) -> bool {
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        match text.as_bytes() {
            [first, rest @ ..] if word(first) && rest.len() < 128 => {
                rest.iter().all(|byte| word(byte) || b".-".contains(byte))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn parsing_agrees_with_the_grammar(text in "[a-zA-Z0-9_./%?:\u{e4}-]{0,6}|[a-z.-]{126,130}") {
            match text.parse::<Tag>() {
                Ok(tag) => {
                    prop_assert!(matches_the_grammar(&text));
                    prop_assert_eq!(tag.as_str(), text);
                }
                Err(_) => prop_assert!(!matches_the_grammar(&text)),
            }
        }
    }
}
