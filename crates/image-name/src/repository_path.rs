//! The path of a repository at its host.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a repository at its registry, without the host: `library/busybox`.
///
/// Components are separated by `/`. A component is
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
///
/// Source: distribution specification, "Pulling manifests" (`<name>`). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryPath(Arc<str>);

/// The reason why a text is not the path of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryPathError {
    /// The text is empty.
    #[error("the repository is empty")]
    Empty,
    /// The text has an upper case letter.
    #[error("{character:?} is not allowed in a repository: letters must be lower case")]
    Uppercase {
        /// The first such letter.
        character: char,
    },
    /// The text has a character outside the grammar.
    #[error(
        "{character:?} is not allowed in a repository: only a-z, 0-9, `.`, `_`, `-` and `/` are"
    )]
    Character {
        /// The first such character.
        character: char,
    },
    /// The text begins or ends with `/`, or has two in a row.
    #[error("the repository has an empty component: remove the extra `/`")]
    EmptyComponent,
    /// A component has a separator at an edge, or separators in a combination outside the grammar.
    #[error(
        "`{component}` is not a component of a repository: letters or digits must stand at both ends, with one `.`, one or two `_`, or any number of `-` between them"
    )]
    Separators {
        /// The component.
        component: String,
    },
    /// The text is longer than [`RepositoryPath::MAX_LENGTH`].
    #[error(
        "the repository is {length} characters long: at most {} are allowed",
        RepositoryPath::MAX_LENGTH
    )]
    TooLong {
        /// The length of the text in bytes.
        length: usize,
    },
}

impl RepositoryPath {
    /// The length of the longest path, as in distribution's `reference` package.
    pub const MAX_LENGTH: usize = 255;

    /// Returns the path's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path below this one.
    ///
    /// # Errors
    ///
    /// [`RepositoryPathError::TooLong`].
    pub fn join(&self, below: &Self) -> Result<Self, RepositoryPathError> {
        let length = self.0.len() + 1 + below.0.len();
        if length > Self::MAX_LENGTH {
            return Err(RepositoryPathError::TooLong { length });
        }
        // On the stack, so that the text is allocated once: long lists are expanded this way.
        let mut joined = [0; Self::MAX_LENGTH];
        let parts = [self.0.as_bytes(), b"/", below.0.as_bytes()];
        let mut end = 0;
        for part in parts {
            joined[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
        let joined = std::str::from_utf8(&joined[..end]);
        Ok(Self(joined.unwrap_or_default().into()))
    }

    /// Returns the path's components. There is at least one.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for RepositoryPath {
    type Err = RepositoryPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(RepositoryPathError::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(RepositoryPathError::Character { character });
        }
        if let Some(character) = text.chars().find(char::is_ascii_uppercase) {
            return Err(RepositoryPathError::Uppercase { character });
        }
        for component in text.split('/') {
            if component.is_empty() {
                return Err(RepositoryPathError::EmptyComponent);
            }
            if !has_good_separators(component) {
                let component = component.to_owned();
                return Err(RepositoryPathError::Separators { component });
            }
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(RepositoryPathError::TooLong { length: text.len() });
        }
        Ok(Self(text.into()))
    }
}

/// Checks a component that is not empty and has allowed characters only.
fn has_good_separators(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let at_edge = component.starts_with(|c| !is_word(c)) || component.ends_with(|c| !is_word(c));
    let good =
        |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    !at_edge && component.split(is_word).all(good)
}

impl TryFrom<&str> for RepositoryPath {
    type Error = RepositoryPathError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl AsRef<str> for RepositoryPath {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for RepositoryPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RepositoryPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for RepositoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use oci_spec::distribution::Reference;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_the_specification_are_parsed() {
        let longest = "a".repeat(RepositoryPath::MAX_LENGTH);
        for text in ["busybox", "library/busybox", "a---b/c__d.e_f/0", &longest] {
            let path: RepositoryPath = text.parse().unwrap();
            assert_eq!(path.to_string(), text);
            assert_eq!(path.components().collect::<Vec<_>>().join("/"), text);
        }
    }

    #[test]
    fn text_outside_the_grammar_is_refused() {
        let character = |character| RepositoryPathError::Character { character };
        let separators = |component: &str| RepositoryPathError::Separators {
            component: component.to_owned(),
        };
        let long = "a".repeat(RepositoryPath::MAX_LENGTH + 1);
        let cases = [
            ("", RepositoryPathError::Empty),
            ("/", RepositoryPathError::EmptyComponent),
            ("/a", RepositoryPathError::EmptyComponent),
            ("a/", RepositoryPathError::EmptyComponent),
            ("a//b", RepositoryPathError::EmptyComponent),
            ("..", separators("..")),
            ("a/../b", separators("..")),
            ("a/./b", separators(".")),
            ("a..b", separators("a..b")),
            ("a/-b", separators("-b")),
            ("a___b", separators("a___b")),
            ("a._b", separators("a._b")),
            ("Org/a", RepositoryPathError::Uppercase { character: 'O' }),
            ("a%2f..", character('%')),
            ("a?b", character('?')),
            ("a:b", character(':')),
            ("a\\b", character('\\')),
            ("a\n", character('\n')),
            ("\u{e4}", character('\u{e4}')),
            (&long, RepositoryPathError::TooLong { length: 256 }),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<RepositoryPath>(), Err(expected), "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn parsing_agrees_with_the_reference_type(text in "([a-cB:._/-]|[a0]|--|__){0,9}") {
            // A host before the path keeps the path's first component from being one.
            let theirs = Reference::try_from(format!("host.example/{text}:tag"));
            match text.parse::<RepositoryPath>() {
                Ok(path) => {
                    prop_assert_eq!(path.as_str(), &text);
                    let theirs = theirs.unwrap();
                    prop_assert_eq!(theirs.repository(), &text);
                }
                Err(error) => {
                    let parsed_as_path = theirs.is_ok_and(|theirs| theirs.repository() == text);
                    prop_assert!(!parsed_as_path, "{text}: {error}");
                }
            }
        }
    }
}
