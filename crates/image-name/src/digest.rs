//! Digests.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use oci_spec::image::{Digest as SpecDigest, DigestAlgorithm};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A digest of a registered algorithm, `ALGORITHM:HEX`.
///
/// [`oci_spec::image::Digest`] also holds any other algorithm with any encoded part
/// (`foo:bar`). Content with such a digest cannot be checked, so it is not one here.
///
/// Source: image specification, "Digests". Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    /// Shared: a run holds each digest in several places.
    text: Arc<SpecDigest>,
    algorithm: Algorithm,
}

/// A digest algorithm that is registered in the image specification, or that references allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
    /// SHA-384, 96 hexadecimal digits.
    Sha384,
    /// SHA-512, 128 hexadecimal digits.
    Sha512,
}

/// The reason why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The text has no `:`.
    #[error("a digest has the form `ALGORITHM:HEX`")]
    NoAlgorithm,
    /// The algorithm is not a registered one.
    #[error(
        "`{algorithm}` is not a registered digest algorithm: only sha256, sha384 and sha512 are"
    )]
    Algorithm {
        /// The text before the colon, cut to 32 characters.
        algorithm: String,
    },
    /// The part after the colon has the wrong length.
    #[error("the {algorithm} digest has {found} characters after the colon, not {}", algorithm.hex_length())]
    Length {
        /// The algorithm.
        algorithm: Algorithm,
        /// The number of characters after the colon.
        found: usize,
    },
    /// The part after the colon has something else than lower case hexadecimal digits.
    #[error("{character:?} is not allowed in a digest: only 0-9 and lower case a-f are")]
    Character {
        /// The first such character.
        character: char,
    },
}

impl Algorithm {
    /// Returns the name before the colon.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the number of hexadecimal digits after the colon.
    #[must_use]
    pub fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "sha256" => Ok(Self::Sha256),
            "sha384" => Ok(Self::Sha384),
            "sha512" => Ok(Self::Sha512),
            other => Err(DigestError::Algorithm {
                algorithm: other.chars().take(32).collect(),
            }),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Digest {
    /// Returns the digest's text, `ALGORITHM:HEX`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        (*self.text).as_ref()
    }

    /// Returns the digest's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the hexadecimal digits after the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.text.digest()
    }

    /// Returns the digest as the type of descriptors.
    #[must_use]
    pub fn as_spec(&self) -> &SpecDigest {
        &self.text
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::NoAlgorithm)?;
        let algorithm: Algorithm = algorithm.parse()?;
        let allowed = |c: &char| matches!(c, '0'..='9' | 'a'..='f');
        if let Some(character) = hex.chars().find(|c| !allowed(c)) {
            return Err(DigestError::Character { character });
        }
        let wrong_length = DigestError::Length {
            algorithm,
            found: hex.len(),
        };
        if hex.len() != algorithm.hex_length() {
            return Err(wrong_length);
        }
        // The checks above are those of the other type, which has no constructor without them.
        let text: SpecDigest = text.parse().map_err(|_| wrong_length)?;
        Ok(Self {
            text: Arc::new(text),
            algorithm,
        })
    }
}

impl TryFrom<&str> for Digest {
    type Error = DigestError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<SpecDigest> for Digest {
    type Error = DigestError;

    /// Checks only the algorithm: the other type checks length and digits of registered ones.
    fn try_from(digest: SpecDigest) -> Result<Self, Self::Error> {
        let algorithm = match digest.algorithm() {
            DigestAlgorithm::Sha256 => Algorithm::Sha256,
            DigestAlgorithm::Sha384 => Algorithm::Sha384,
            DigestAlgorithm::Sha512 => Algorithm::Sha512,
            other => other.as_ref().parse()?,
        };
        Ok(Self {
            text: Arc::new(digest),
            algorithm,
        })
    }
}

impl TryFrom<&SpecDigest> for Digest {
    type Error = DigestError;

    fn try_from(digest: &SpecDigest) -> Result<Self, Self::Error> {
        digest.clone().try_into()
    }
}

impl From<Digest> for SpecDigest {
    fn from(digest: Digest) -> Self {
        Arc::unwrap_or_clone(digest.text)
    }
}

impl PartialEq<SpecDigest> for Digest {
    fn eq(&self, other: &SpecDigest) -> bool {
        *self.text == *other
    }
}

impl PartialEq<Digest> for SpecDigest {
    fn eq(&self, other: &Digest) -> bool {
        *self == *other.text
    }
}

impl PartialOrd for Digest {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Digest {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];

    #[test]
    fn digests_of_registered_algorithms_are_parsed() {
        for algorithm in ALGORITHMS {
            let hex = "0a".repeat(algorithm.hex_length() / 2);
            let text = format!("{algorithm}:{hex}");
            let digest: Digest = text.parse().unwrap();
            assert_eq!(digest.to_string(), text);
            assert_eq!((digest.algorithm(), digest.hex()), (algorithm, &*hex));
            let spec: SpecDigest = text.parse().unwrap();
            assert_eq!(Digest::try_from(&spec), Ok(digest));
        }
    }

    #[test]
    fn text_outside_the_grammar_is_refused() {
        let hex = "a".repeat(64);
        let algorithm = |algorithm: &str| DigestError::Algorithm {
            algorithm: algorithm.to_owned(),
        };
        let length = |found| DigestError::Length {
            algorithm: Algorithm::Sha256,
            found,
        };
        let character = |character| DigestError::Character { character };
        let cases = [
            (String::new(), DigestError::NoAlgorithm),
            (hex.clone(), DigestError::NoAlgorithm),
            (format!(":{hex}"), algorithm("")),
            (format!("md5:{hex}"), algorithm("md5")),
            (format!("SHA256:{hex}"), algorithm("SHA256")),
            (
                format!("{}:{hex}", "x".repeat(99)),
                algorithm(&"x".repeat(32)),
            ),
            ("sha256:".to_owned(), length(0)),
            (format!("sha256:{hex}a"), length(65)),
            (format!("sha256:{}", &hex[1..]), length(63)),
            (format!("sha256:{}A", &hex[1..]), character('A')),
            (format!("sha256:{}:", &hex[1..]), character(':')),
            (format!("sha256:../{hex}"), character('.')),
            (format!("sha256:{hex}?x"), character('?')),
            (format!("sha256:{hex}\n"), character('\n')),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Digest>(), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn digests_of_other_algorithms_are_refused_as_descriptors() {
        let spec: SpecDigest = "foo:bar".parse().unwrap();
        let algorithm = "foo".to_owned();
        assert_eq!(
            Digest::try_from(spec),
            Err(DigestError::Algorithm { algorithm })
        );
    }

    proptest! {
        #[test]
        fn parsing_agrees_with_the_type_of_descriptors(
            text in "(sha256|sha384|sha512|md5|):([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}|[0-9a-g/.]{63,65})"
        ) {
            let spec = text.parse::<SpecDigest>().ok();
            let expected = spec.and_then(|digest| Digest::try_from(digest).ok());
            prop_assert_eq!(text.parse::<Digest>().ok(), expected);
        }
    }
}
