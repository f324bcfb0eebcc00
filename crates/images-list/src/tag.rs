//! The third column: a tag, or a digest in its place.

use oci_spec::image::Digest;
use std::fmt;
use std::str::FromStr;

/// The longest tag that the distribution specification allows.
const TAG_MAX: usize = 128;

/// What the tag column names: a tag, or a manifest by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tag {
    /// A tag, for instance `v3.4.20`.
    Name(TagName),
    /// A digest, for instance `sha256:` and 64 hexadecimal digits.
    Digest(Digest),
}

/// A tag by the grammar of the distribution specification ("Pulling
/// manifests"): `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagName(Box<str>);

/// Why a text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// There is no text at all.
    #[error("the tag is empty: write a tag or a digest")]
    Empty,
    /// The text has an `@`.
    #[error("`@` has no place here: write a tag or a digest, not both")]
    Both,
    /// The text begins with `.` or `-`.
    #[error("a tag cannot begin with `{first}`: letters, digits and `_` can")]
    Start {
        /// The first character.
        first: char,
    },
    /// A character that no tag has.
    #[error("{character:?} has no place in a tag: letters, digits, `.`, `_` and `-` have")]
    Character {
        /// The first such character.
        character: char,
    },
    /// More than 128 characters.
    #[error("it is {length} characters long: a tag has at most {TAG_MAX}")]
    TooLong {
        /// The length of the text.
        length: usize,
    },
    /// A text with a colon that does not begin with a known algorithm.
    #[error(
        "a tag has no `:`, and `{algorithm}` is no algorithm of a digest: write a tag, `sha256:…` or `sha512:…`"
    )]
    Algorithm {
        /// What stands before the colon.
        algorithm: String,
    },
    /// A digest of the wrong length.
    #[error(
        "the {algorithm} digest has {found} characters after the colon, not {expected}: was it cut or pasted twice?"
    )]
    DigestLength {
        /// `sha256` or `sha512`.
        algorithm: &'static str,
        /// How many hexadecimal digits the algorithm has.
        expected: usize,
        /// How many characters there are.
        found: usize,
    },
    /// A digest with something else than lower case hexadecimal digits.
    #[error("{character:?} has no place in a digest: 0-9 and lower case a-f have")]
    DigestCharacter {
        /// The first such character.
        character: char,
    },
}

impl Tag {
    /// The text of the column.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(name) => name.as_str(),
            Self::Digest(digest) => digest.as_ref(),
        }
    }
}

impl TagName {
    /// The tag's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('@') {
            return Err(TagError::Both);
        }
        match text.split_once(':') {
            Some((algorithm, hex)) => parse_digest(text, algorithm, hex).map(Self::Digest),
            None => text.parse().map(Self::Name),
        }
    }
}

fn parse_digest(text: &str, algorithm: &str, hex: &str) -> Result<Digest, TagError> {
    let unknown = || TagError::Algorithm {
        algorithm: algorithm.to_owned(),
    };
    let (algorithm, expected) = match algorithm {
        "sha256" => ("sha256", 64),
        "sha512" => ("sha512", 128),
        _ => return Err(unknown()),
    };
    let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if let Some(character) = hex.chars().find(|c| !is_hex(*c)) {
        return Err(TagError::DigestCharacter { character });
    }
    if hex.len() != expected {
        let found = hex.len();
        return Err(TagError::DigestLength {
            algorithm,
            expected,
            found,
        });
    }
    // Cannot fail any more; the type's own check has the last word all the same.
    Digest::from_str(text).map_err(|_| unknown())
}

impl FromStr for TagName {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let first = text.chars().next().ok_or(TagError::Empty)?;
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(TagError::Character { character });
        }
        if matches!(first, '.' | '-') {
            return Err(TagError::Start { first });
        }
        if text.len() > TAG_MAX {
            return Err(TagError::TooLong { length: text.len() });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_digests_are_told_apart() {
        for text in [
            "v1",
            "_",
            "1.0-rc.1_x",
            "LATEST",
            &"a".repeat(128),
            &"0".repeat(64),
        ] {
            assert!(matches!(text.parse(), Ok(Tag::Name(_))), "{text}");
        }
        for text in [
            format!("sha256:{}", "a".repeat(64)),
            format!("sha512:{}", "9".repeat(128)),
        ] {
            let tag: Tag = text.parse().unwrap();
            assert!(matches!(tag, Tag::Digest(_)), "{text}");
            assert_eq!(tag.to_string(), text);
        }
    }

    #[test]
    fn wrong_tags_say_why() {
        for (text, why) in [
            ("", "empty"),
            ("v1@sha256:00", "not both"),
            (".v1", "cannot begin with `.`"),
            ("-v1", "cannot begin with `-`"),
            ("v1+build", "'+' has no place"),
            ("v1\r", r"'\r' has no place"),
            ("über", "'ü' has no place"),
            (&"a".repeat(129), "129 characters long"),
            ("etcd:v1", "`etcd` is no algorithm"),
            ("sha384:00", "`sha384` is no algorithm"),
            ("sha256:00", "has 2 characters after the colon, not 64"),
            (
                &format!("sha256:{}", "A".repeat(64)),
                "'A' has no place in a digest",
            ),
            (&format!("sha512:{}", "a".repeat(64)), "not 128"),
        ] {
            let message = text.parse::<Tag>().unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
