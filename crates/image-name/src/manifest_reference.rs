//! References to manifests.

use std::fmt;
use std::str::FromStr;

use oci_spec::distribution::Reference;

use crate::digest::{Digest, DigestError};
use crate::tag::{Tag, TagError};

/// A manifest of a repository by its tag or its digest.
///
/// Source: distribution specification, "Pulling manifests" (`<reference>`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ManifestReference {
    /// The manifest that has this tag now.
    Tag(Tag),
    /// The manifest with this digest.
    Digest(Digest),
}

/// The reason why a text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestReferenceError {
    /// The text has no `:` and is not a tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The text has a `:` and is not a digest.
    #[error("{}", digest_message(.0))]
    Digest(#[from] DigestError),
    /// The text has an `@`.
    #[error("`@` is not allowed: write a tag or a digest, not both")]
    TagAndDigest,
}

/// Returns the message for a text with a `:`, which may be meant as a tag.
fn digest_message(error: &DigestError) -> String {
    match error {
        DigestError::Algorithm { .. } => format!("a tag has no `:`, and {error}"),
        error => error.to_string(),
    }
}

impl ManifestReference {
    /// Returns the text of the tag or the digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }

    /// Returns the tag of a reference by tag.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        match self {
            Self::Tag(tag) => Some(tag),
            Self::Digest(_) => None,
        }
    }

    /// Returns the digest of a reference by digest.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Tag(_) => None,
            Self::Digest(digest) => Some(digest),
        }
    }
}

impl FromStr for ManifestReference {
    type Err = ManifestReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains('@') {
            return Err(ManifestReferenceError::TagAndDigest);
        }
        // No tag has a colon, and every digest has one.
        Ok(if text.contains(':') {
            Self::Digest(text.parse()?)
        } else {
            Self::Tag(text.parse()?)
        })
    }
}

impl TryFrom<&str> for ManifestReference {
    type Error = ManifestReferenceError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<&Reference> for ManifestReference {
    type Error = ManifestReferenceError;

    /// Takes the digest of an image's reference, else its tag, else `latest`.
    fn try_from(reference: &Reference) -> Result<Self, Self::Error> {
        Ok(match reference.digest() {
            Some(digest) => Self::Digest(digest.parse()?),
            None => Self::Tag(reference.tag().unwrap_or("latest").parse()?),
        })
    }
}

impl From<Tag> for ManifestReference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<&Tag> for ManifestReference {
    fn from(tag: &Tag) -> Self {
        Self::Tag(tag.clone())
    }
}

impl From<Digest> for ManifestReference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl From<&Digest> for ManifestReference {
    fn from(digest: &Digest) -> Self {
        Self::Digest(digest.clone())
    }
}

impl From<&ManifestReference> for ManifestReference {
    fn from(reference: &ManifestReference) -> Self {
        reference.clone()
    }
}

impl AsRef<str> for ManifestReference {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ManifestReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_reference_counts_before_its_tag() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let cases = [
            ("busybox".to_owned(), Some("latest")),
            ("q.io/a:v1".to_owned(), Some("v1")),
            (format!("q.io/a:v1@{digest}"), Some(&*digest)),
        ];
        for (text, expected) in cases {
            let reference: Reference = text.parse().unwrap();
            let parsed = ManifestReference::try_from(&reference).ok();
            assert_eq!(
                parsed.as_ref().map(ManifestReference::as_str),
                expected,
                "{text}"
            );
        }
        let unchecked = Reference::with_tag("q.io".into(), "a".into(), "../b".into());
        assert!(ManifestReference::try_from(&unchecked).is_err());
        let unchecked = Reference::with_digest("q.io".into(), "a".into(), "md5:00".into());
        assert!(ManifestReference::try_from(&unchecked).is_err());
    }

    #[test]
    fn a_colon_separates_digests_from_tags() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let parsed: ManifestReference = digest.parse().unwrap();
        assert_eq!(parsed.digest().map(Digest::as_str), Some(&*digest));
        let parsed: ManifestReference = "v1".parse().unwrap();
        assert_eq!(parsed.tag().map(Tag::as_str), Some("v1"));
        for (text, expected) in [
            ("", TagError::Empty.into()),
            ("../x", TagError::Character { character: '/' }.into()),
            ("v1@sha256:00", ManifestReferenceError::TagAndDigest),
            (
                "v1:x",
                ManifestReferenceError::Digest(DigestError::Algorithm {
                    algorithm: "v1".to_owned(),
                }),
            ),
        ] {
            let error: ManifestReferenceError = expected;
            assert_eq!(text.parse::<ManifestReference>(), Err(error), "{text:?}");
        }
    }
}
