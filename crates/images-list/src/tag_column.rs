//! The third column of a row: `(TAG | DIGEST | TAG@DIGEST)[=TAG[,TAG…]]`.

use std::fmt;
use std::str::FromStr;

use image_name::{Digest, DigestError, ManifestReference, ManifestReferenceError, Tag, TagError};

/// The image of a row at its source, and the tags that it gets at the destination.
///
/// ```
/// use images_list::TagColumn;
///
/// let column: TagColumn = "v1.36=1.36,latest".parse()?;
/// assert_eq!(column.source().as_str(), "v1.36");
/// let written = column.destinations().iter().map(|tag| tag.as_str());
/// assert_eq!(written.collect::<Vec<_>>(), ["1.36", "latest"]);
/// # Ok::<(), images_list::TagColumnError>(())
/// ```
///
/// Columns are equal if they are written alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagColumn {
    source: ManifestReference,
    /// The pin and the tags after `=`. Boxed, since few columns have them and a list can have very many rows.
    rest: Option<Box<Rest>>,
}

/// The part of a column after its tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Rest {
    /// The digest after `@`.
    pin: Option<Digest>,
    /// The tags after `=`; empty without it.
    written: Vec<ManifestReference>,
}

/// The reason why a text is not the third column of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagColumnError {
    /// The part before `=` is neither a tag nor a digest.
    #[error(transparent)]
    Source(#[from] ManifestReferenceError),
    /// The part before `=` is several tags.
    #[error("`{}` is several tags: write one row for each; only tags after `=` are separated by commas", .text.escape_debug())]
    Several {
        /// The part.
        text: String,
    },
    /// The part before `@` is not a tag.
    #[error("`{text}` before `@` is not a tag")]
    PinnedDigest {
        /// The part.
        text: String,
    },
    /// The part after `@` is not a digest.
    #[error("`{}` after `@` is not a digest: write TAG@DIGEST to pin a tag", .text.escape_debug())]
    Pin {
        /// The part.
        text: String,
    },
    /// A part after `=` is not a tag.
    #[error("`{}` after `=` is not a tag: {reason}", .text.escape_debug())]
    Written {
        /// The part.
        text: String,
        /// The reason.
        reason: TagError,
    },
    /// Two parts after `=` are the same tag.
    #[error("`{tag}` is written twice")]
    Twice {
        /// The tag.
        tag: Tag,
    },
}

impl TagColumn {
    /// Creates the column `TAG@DIGEST`.
    #[must_use]
    pub fn pinned(tag: Tag, pin: Digest) -> Self {
        Self {
            source: ManifestReference::Tag(tag),
            rest: Some(Box::new(Rest {
                pin: Some(pin),
                written: Vec::new(),
            })),
        }
    }

    /// Returns the tag or digest at the source. A version is known by it.
    #[must_use]
    pub fn source(&self) -> &ManifestReference {
        &self.source
    }

    /// Returns the digest of `TAG@DIGEST`.
    #[must_use]
    pub fn pin(&self) -> Option<&Digest> {
        self.rest.as_ref()?.pin.as_ref()
    }

    /// Returns the image that is copied: the pinned digest, or the tag or digest at the source.
    #[must_use]
    pub fn copied(&self) -> ManifestReference {
        let pin = self.pin().cloned().map(ManifestReference::Digest);
        pin.unwrap_or_else(|| self.source.clone())
    }

    /// Returns the tags at the destination, or the digest of a row by digest. There is at least one.
    #[must_use]
    pub fn destinations(&self) -> &[ManifestReference] {
        match &self.rest {
            Some(rest) if !rest.written.is_empty() => &rest.written,
            _ => std::slice::from_ref(&self.source),
        }
    }
}

/// A column with nothing but a tag or a digest.
impl From<ManifestReference> for TagColumn {
    fn from(source: ManifestReference) -> Self {
        Self { source, rest: None }
    }
}

impl FromStr for TagColumn {
    type Err = TagColumnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (left, written) = match text.split_once('=') {
            Some((left, right)) => (left, parse_written(right)?),
            None => (text, Vec::new()),
        };
        if left.contains(',') {
            let text = left.to_owned();
            return Err(TagColumnError::Several { text });
        }
        let (source, pin) = match left.split_once('@') {
            Some((tag, digest)) => (parse_pinned(tag)?, Some(parse_pin(digest)?)),
            None => (left.parse()?, None),
        };
        let rest = Rest { pin, written };
        let rest = (rest.pin.is_some() || !rest.written.is_empty()).then(|| Box::new(rest));
        Ok(Self { source, rest })
    }
}

fn parse_pinned(text: &str) -> Result<ManifestReference, TagColumnError> {
    match text.parse()? {
        tag @ ManifestReference::Tag(_) => Ok(tag),
        ManifestReference::Digest(_) => Err(TagColumnError::PinnedDigest {
            text: text.to_owned(),
        }),
    }
}

fn parse_pin(text: &str) -> Result<Digest, TagColumnError> {
    match text.parse() {
        Ok(ManifestReference::Digest(digest)) => Ok(digest),
        Err(ManifestReferenceError::Digest(error))
            if !matches!(error, DigestError::Algorithm { .. }) =>
        {
            Err(ManifestReferenceError::Digest(error).into())
        }
        _ => Err(TagColumnError::Pin {
            text: text.to_owned(),
        }),
    }
}

fn parse_written(text: &str) -> Result<Vec<ManifestReference>, TagColumnError> {
    let mut written = Vec::new();
    for part in text.split(',') {
        let tag: Tag = part.parse().map_err(|reason| TagColumnError::Written {
            text: part.to_owned(),
            reason,
        })?;
        let reference = ManifestReference::Tag(tag.clone());
        if written.contains(&reference) {
            return Err(TagColumnError::Twice { tag });
        }
        written.push(reference);
    }
    Ok(written)
}

/// The column as written.
impl fmt::Display for TagColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if let Some(pin) = self.pin() {
            write!(f, "@{pin}")?;
        }
        let written = self.rest.iter().flat_map(|rest| &rest.written);
        let separators = std::iter::once('=').chain(std::iter::repeat(','));
        for (tag, separator) in written.zip(separators) {
            write!(f, "{separator}{tag}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEX: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn columns_have_a_source_a_pin_and_written_tags() {
        let digest = format!("sha256:{HEX}");
        // The text, the tag at the source, the image that is copied, the tags at the destination.
        let table = [
            ("1.36".to_owned(), "1.36", "1.36", vec!["1.36"]),
            (digest.clone(), &*digest, &*digest, vec![&*digest]),
            (format!("1@{digest}"), "1", &*digest, vec!["1"]),
            ("v1=1".to_owned(), "v1", "v1", vec!["1"]),
            (
                "v1=v1,1,latest".to_owned(),
                "v1",
                "v1",
                vec!["v1", "1", "latest"],
            ),
            (format!("{digest}=1"), &*digest, &*digest, vec!["1"]),
            (format!("v1@{digest}=1,2"), "v1", &*digest, vec!["1", "2"]),
        ];
        for (text, source, copied, written) in &table {
            let column: TagColumn = text.parse().unwrap();
            assert_eq!(column.source().as_str(), *source, "{text}");
            assert_eq!(column.copied().as_str(), *copied, "{text}");
            let destinations = column.destinations().iter().map(ManifestReference::as_str);
            assert_eq!(destinations.collect::<Vec<_>>(), *written, "{text}");
            assert_eq!(column.to_string(), *text);
        }
    }

    #[test]
    fn invalid_parts_are_named() {
        let digest = format!("sha256:{HEX}");
        for (text, want) in [
            (String::new(), "the tag is empty"),
            ("=1".to_owned(), "the tag is empty"),
            ("1=".to_owned(), "`` after `=` is not a tag"),
            ("1=a,,b".to_owned(), "`` after `=` is not a tag"),
            ("1=a,b,a".to_owned(), "`a` is written twice"),
            (format!("1={digest}"), "after `=` is not a tag"),
            ("1=a=b".to_owned(), "`a=b` after `=` is not a tag"),
            ("1@2".to_owned(), "`2` after `@` is not a digest"),
            ("1@2:3".to_owned(), "`2:3` after `@` is not a digest"),
            (
                "v1:2".to_owned(),
                "a tag has no `:`, and `v1` is not a registered digest algorithm",
            ),
            (
                "v1,v2".to_owned(),
                "`v1,v2` is several tags: write one row for each",
            ),
            ("v1,v2=a".to_owned(), "`v1,v2` is several tags"),
            (
                "1@sha256:12".to_owned(),
                "the sha256 digest has 2 characters",
            ),
            (format!("{digest}@{digest}"), "before `@` is not a tag"),
            (format!("@{digest}"), "the tag is empty"),
            (format!("1@{digest}@{digest}"), "after `@` is not a digest"),
        ] {
            let error = text.parse::<TagColumn>().unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parsed_columns_are_written_back(text in "[a-c1.]{0,3}(@sha256:[0-9a-f]{64})?(=[a-c]{0,2}(,[a-c]{1,2}){0,3})?") {
            if let Ok(column) = text.parse::<TagColumn>() {
                prop_assert_eq!(column.to_string(), text);
                prop_assert!(!column.destinations().is_empty());
            }
        }
    }
}
