//! Descriptors: the references of a manifest to other content.

use std::fmt;
use std::sync::Arc;

use oci_spec::OciSpecError;
use oci_spec::image::Digest as SpecDigest;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::media_types::{is_index_type, is_manifest_type};
use crate::exact_keys::ExactKeys;

/// The maximum number of descriptors in one list, twice the layers that are copied.
pub(crate) const MAX_DESCRIPTORS: usize = 20_000;

/// A reference to content: an entry of a manifest, an index or a list of referrers.
///
/// Only the digest is required, because only the digest is needed to carry the content. Other fields
/// with a missing or unusable value count as absent. The JSON text is kept, so a list that is made of
/// descriptors has them unchanged.
///
/// Source: image specification, "Content Descriptors".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    digest: SpecDigest,
    media_type: Option<String>,
    size: Option<u64>,
    platform: Option<DescriptorPlatform>,
    has_urls: bool,
    attested: Option<String>,
    /// Shared by clones: annotations may be long.
    text: Arc<str>,
}

/// The platform of a descriptor or an image config, as it stands there.
///
/// Source: image specification, "Image Index", `platform`, and "Image Configuration".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DescriptorPlatform {
    /// The operating system.
    pub os: Option<String>,
    /// The architecture.
    pub architecture: Option<String>,
    /// The variant of the architecture.
    pub variant: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum DescriptorError {
    #[error("{0}")]
    Form(String),
    #[error("a descriptor has no digest")]
    NoDigest,
    #[error("a descriptor has an invalid digest: {0}")]
    Digest(OciSpecError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorFields<'a> {
    #[serde(borrow)]
    digest: Option<&'a RawValue>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    size: Option<&'a RawValue>,
    #[serde(borrow)]
    platform: Option<&'a RawValue>,
    #[serde(borrow)]
    urls: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(rename = "artifactType")]
    _artifact_type: Option<IgnoredAny>,
    #[serde(rename = "data")]
    _data: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PlatformFields<'a> {
    #[serde(borrow)]
    os: Option<&'a RawValue>,
    #[serde(borrow)]
    architecture: Option<&'a RawValue>,
    #[serde(borrow)]
    variant: Option<&'a RawValue>,
    #[serde(borrow, rename = "os.version")]
    os_version: Option<&'a RawValue>,
    #[serde(rename = "os.features")]
    _os_features: Option<IgnoredAny>,
    #[serde(rename = "features")]
    _features: Option<IgnoredAny>,
}

/// Annotations are a map: keys that differ in case are different keys.
#[derive(Deserialize)]
struct Annotations<'a> {
    #[serde(borrow, rename = "vnd.docker.reference.digest")]
    attested: Option<&'a RawValue>,
}

impl Descriptor {
    /// Returns the digest of the content.
    #[must_use]
    pub fn digest(&self) -> &SpecDigest {
        &self.digest
    }

    /// Returns the media type of the content, if the descriptor has one.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Returns the size of the content in bytes, if the descriptor has one.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the platform of the content, if the descriptor has one.
    #[must_use]
    pub fn platform(&self) -> Option<&DescriptorPlatform> {
        self.platform.as_ref()
    }

    /// Returns true for a layer that clients fetch from its publisher only.
    ///
    /// Source: image specification, "Non-Distributable Layers"; Docker's `foreign.diff`. A layer without URLs has
    /// no other origin, so it is none.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        let restricted = self.media_type().is_some_and(|media_type| {
            media_type.contains(".foreign.") || media_type.contains(".nondistributable.")
        });
        restricted && self.has_urls()
    }

    /// Returns whether the descriptor names other places to download the content from.
    #[must_use]
    pub fn has_urls(&self) -> bool {
        self.has_urls
    }

    /// Returns the other places to download the content from.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Urls {
            urls: Vec<String>,
        }
        let parsed: Result<Urls, _> = serde_json::from_str(&self.text);
        parsed.map(|fields| fields.urls).unwrap_or_default()
    }

    /// Returns the digest of the manifest that an attestation belongs to.
    ///
    /// Source: BuildKit, "Image attestation storage".
    #[must_use]
    pub fn attested(&self) -> Option<&str> {
        self.attested.as_deref()
    }

    /// Returns the JSON text, as it was read.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.text
    }

    /// Returns whether the content may be a blob: an index of `BuildKit`'s cache lists layers.
    #[must_use]
    pub fn may_be_blob(&self) -> bool {
        !self.media_type().is_some_and(is_manifest_type)
    }

    /// Returns whether the content may be an index: its media type says so, or is missing.
    #[must_use]
    pub fn may_be_index(&self) -> bool {
        self.media_type().is_none_or(is_index_type)
    }

    /// Deserializes a list of at most [`MAX_DESCRIPTORS`]: parsed, a short one takes five times its text.
    pub(crate) fn list<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<Self>>, D::Error> {
        let list: Option<DescriptorList> = Option::deserialize(deserializer)?;
        Ok(list.map(|list| list.0))
    }

    fn parse(text: Box<RawValue>) -> Result<Self, DescriptorError> {
        let ambiguous = |error: serde_json::Error| DescriptorError::Form(error.to_string());
        let fields: ExactKeys<DescriptorFields<'_>> =
            serde_json::from_str(text.get()).map_err(ambiguous)?;
        let fields = fields.0;
        let platform = match object(fields.platform) {
            Some(platform) => DescriptorPlatform::parse(platform).map_err(ambiguous)?,
            None => None,
        };
        let annotations = object(fields.annotations).map(serde_json::from_str);
        let annotations: Option<Annotations<'_>> = annotations.transpose().map_err(ambiguous)?;
        let attested = annotations.and_then(|annotations| string(annotations.attested));
        let urls = fields.urls.map_or("", RawValue::get);
        let urls: Vec<IgnoredAny> = serde_json::from_str(urls).unwrap_or_default();
        let size = fields.size.map_or("", RawValue::get);
        let digest = string(fields.digest).ok_or(DescriptorError::NoDigest)?;
        Ok(Self {
            digest: digest.parse().map_err(DescriptorError::Digest)?,
            media_type: string(fields.media_type).filter(|media_type| !media_type.is_empty()),
            size: serde_json::from_str(size).ok(),
            platform,
            has_urls: !urls.is_empty(),
            attested,
            text: Box::<str>::from(text).into(),
        })
    }

    /// Deserializes a descriptor that is not needed to carry content, such as a subject: without a
    /// digest it counts as absent.
    pub(super) fn optional<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Box<Self>>, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if object(Some(&text)).is_none() {
            return Ok(None);
        }
        match Self::parse(text) {
            Ok(descriptor) => Ok(Some(Box::new(descriptor))),
            Err(DescriptorError::NoDigest | DescriptorError::Digest(_)) => Ok(None),
            Err(error @ DescriptorError::Form(_)) => Err(D::Error::custom(error)),
        }
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(text).map_err(D::Error::custom)
    }
}

/// Descriptors, at most [`MAX_DESCRIPTORS`].
struct DescriptorList(Vec<Descriptor>);

impl<'de> Deserialize<'de> for DescriptorList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(DescriptorListVisitor)
    }
}

struct DescriptorListVisitor;

impl<'de> Visitor<'de> for DescriptorListVisitor {
    type Value = DescriptorList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of descriptors")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<DescriptorList, A::Error> {
        let mut list = Vec::new();
        while let Some(descriptor) = entries.next_element()? {
            if list.len() == MAX_DESCRIPTORS {
                let what = format!("a list has more than {MAX_DESCRIPTORS} descriptors");
                return Err(A::Error::custom(what));
            }
            list.push(descriptor);
        }
        Ok(DescriptorList(list))
    }
}

impl DescriptorPlatform {
    /// Parses an object, `None` if it has neither OS nor architecture.
    fn parse(text: &str) -> Result<Option<Self>, serde_json::Error> {
        let ExactKeys(fields): ExactKeys<PlatformFields<'_>> = serde_json::from_str(text)?;
        let word = |value| string(value).filter(|word| !word.is_empty());
        let platform = Self {
            os: word(fields.os),
            architecture: word(fields.architecture),
            variant: word(fields.variant),
            os_version: word(fields.os_version),
        };
        Ok((platform.os.is_some() || platform.architecture.is_some()).then_some(platform))
    }
}

/// Returns the text of a value that is an object.
fn object(value: Option<&RawValue>) -> Option<&str> {
    value
        .map(RawValue::get)
        .filter(|text| text.starts_with('{'))
}

/// Returns a value that is a string.
pub(super) fn string(value: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(value?.get()).ok()
}
