//! A manifest: its unchanged bytes and its parsed content.

use bytes::Bytes;
use image_name::Digest;
use oci_client::manifest as media_type;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::descriptor::{Descriptor, string};
use super::media_types::{is_index_type, specific_type};
use crate::exact_keys::ExactKeys;
use crate::redact::printable;

/// The maximum length of a parse error in characters.
const MAX_DETAIL: usize = 400;

/// A manifest or index as the registry served it.
///
/// Copies consist of these bytes; everything else is parsed from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The exact bytes.
    pub bytes: Bytes,
    /// The `Content-Type` for sending them.
    pub media_type: String,
    /// Their digest.
    pub digest: Digest,
}

/// The content of a manifest, parsed by its structure and not by its media type, so that unknown
/// types are accepted.
///
/// Source: image specification, "Image Manifest", "Image Index"; Docker
/// "Image Manifest Version 2, Schema 2".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An image index or manifest list.
    Index {
        /// The children in order.
        manifests: Vec<Descriptor>,
        /// The subject, if the index is a referrer.
        subject: Option<Box<Descriptor>>,
    },
    /// An image or artifact manifest.
    Image {
        /// The config; old artifact manifests have none.
        config: Option<Box<Descriptor>>,
        /// The layers; in old artifact manifests, the blobs.
        layers: Vec<Descriptor>,
        /// The subject, if the manifest is a referrer.
        subject: Option<Box<Descriptor>>,
        /// The artifact type.
        artifact_type: Option<String>,
    },
}

impl Content {
    /// Returns the subject, if this is a referrer.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index { subject, .. } | Self::Image { subject, .. } => subject.as_deref(),
        }
    }
}

/// A manifest that cannot be copied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ManifestError {
    /// Docker's format before 2016, with embedded signatures.
    #[error(
        "{digest} is a Docker schema 1 manifest, a format deprecated in 2016; ask the publisher to push the image again, or convert it by pull and push"
    )]
    Schema1 {
        /// The manifest.
        digest: Digest,
    },
    /// The content is not JSON, or not in the form of the specification.
    #[error("{digest} is not a valid manifest or index: {detail}")]
    Unreadable {
        /// The manifest.
        digest: Digest,
        /// The cause.
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestFields<'a> {
    #[serde(borrow)]
    schema_version: Option<&'a RawValue>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "Descriptor::list")]
    manifests: Option<Vec<Descriptor>>,
    config: Option<Box<Descriptor>>,
    #[serde(default, deserialize_with = "Descriptor::list")]
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "Descriptor::list")]
    blobs: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "Descriptor::optional")]
    subject: Option<Box<Descriptor>>,
    #[serde(borrow)]
    artifact_type: Option<&'a RawValue>,
    fs_layers: Option<IgnoredAny>,
    #[serde(rename = "annotations")]
    _annotations: Option<IgnoredAny>,
}

impl Manifest {
    /// Creates a manifest from a response. The media type in the manifest wins over `Content-Type`,
    /// which proxies change; the structure decides if neither says one.
    pub fn new(bytes: Bytes, content_type: Option<&str>, digest: Digest) -> Self {
        let media_type = own_media_type(&bytes, content_type.and_then(specific_type));
        Self {
            bytes,
            media_type,
            digest,
        }
    }

    /// Returns true if the document has a `mediaType`, and does not depend on a `Content-Type`.
    #[must_use]
    pub fn has_own_media_type(&self) -> bool {
        own_media_type(&self.bytes, Some("")) == self.media_type && !self.media_type.is_empty()
    }

    /// Parses the content.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] for schema 1 and for invalid manifests.
    pub fn content(&self) -> Result<Content, ManifestError> {
        // The message of serde may quote the whole manifest.
        let unreadable = |detail: String| ManifestError::Unreadable {
            digest: self.digest.clone(),
            detail: printable(&detail, MAX_DETAIL),
        };
        let ExactKeys(fields): ExactKeys<ManifestFields<'_>> =
            serde_json::from_slice(&self.bytes).map_err(|error| unreadable(error.to_string()))?;
        let is_schema1 = fields
            .schema_version
            .is_some_and(|version| version.get() == "1");
        if is_schema1 || fields.fs_layers.is_some() {
            return Err(ManifestError::Schema1 {
                digest: self.digest.clone(),
            });
        }
        let layers = fields.layers.or(fields.blobs);
        let media_type = string(fields.media_type);
        let artifact_type = string(fields.artifact_type);
        match (fields.manifests, fields.config, layers) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(unreadable(
                "it is both an index and an image manifest".into(),
            )),
            (Some(manifests), None, None) => Ok(Content::Index {
                manifests,
                subject: fields.subject,
            }),
            // Programs in Go write `null` for an empty list.
            (None, None, None) if media_type.as_deref().is_some_and(is_index_type) => {
                Ok(Content::Index {
                    manifests: Vec::new(),
                    subject: fields.subject,
                })
            }
            // An artifact may consist of annotations only.
            (None, None, None)
                if media_type.or(artifact_type.clone()).is_none() && fields.subject.is_none() =>
            {
                Err(unreadable("it has no manifests, config or layers".into()))
            }
            (None, config, layers) => Ok(Content::Image {
                config,
                layers: layers.unwrap_or_default(),
                subject: fields.subject,
                artifact_type,
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeFields<'a> {
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    manifests: Option<IgnoredAny>,
}

/// Returns the `mediaType` of a manifest, or that of its `Content-Type`, or the OCI type that fits its
/// structure.
fn own_media_type(bytes: &[u8], content_type: Option<&str>) -> String {
    let fields: Option<TypeFields<'_>> = serde_json::from_slice(bytes).ok();
    let is_index = fields
        .as_ref()
        .is_some_and(|fields| fields.manifests.is_some());
    let by_structure = if is_index {
        media_type::OCI_IMAGE_INDEX_MEDIA_TYPE
    } else {
        media_type::OCI_IMAGE_MEDIA_TYPE
    };
    let own = fields.and_then(|fields| string(fields.media_type));
    let own = own.filter(|own| !own.is_empty());
    own.unwrap_or_else(|| content_type.unwrap_or(by_structure).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_digest;

    fn manifest(text: &str, content_type: Option<&str>) -> Manifest {
        let digest = sha256_digest(text.as_bytes());
        Manifest::new(
            Bytes::copy_from_slice(text.as_bytes()),
            content_type,
            digest,
        )
    }

    const D: &str = r#"{"mediaType":"x/y","digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3}"#;

    #[test]
    fn content_is_parsed_by_structure() {
        let image = manifest(
            &format!(r#"{{"config":{D},"layers":[{D},{D}]}}"#),
            Some("a/unknown"),
        );
        assert!(matches!(image.content(), Ok(Content::Image { layers, .. }) if layers.len() == 2));
        let index = manifest(
            &format!(r#" {{"manifests":[{D}], "mediaType":"q/r"}}"#),
            None,
        );
        assert!(
            matches!(index.content(), Ok(Content::Index { manifests, .. }) if manifests.len() == 1)
        );
        assert_eq!(index.media_type, "q/r");
        let artifact = manifest(&format!(r#"{{"blobs":[{D}],"subject":{D}}}"#), None);
        assert!(matches!(
            artifact.content(),
            Ok(Content::Image {
                subject: Some(_),
                config: None,
                ..
            })
        ));
    }

    #[test]
    fn media_type_is_that_of_the_document_before_the_header() {
        const INDEX: &str = "application/vnd.oci.image.index.v1+json";
        let typed = r#"{"mediaType":"a/own","manifests":[]}"#;
        let untyped = r#"{"manifests":[]}"#;
        for (document, content_type, expected) in [
            (typed, Some("b/header"), "a/own"),
            (typed, Some("text/html"), "a/own"),
            (typed, None, "a/own"),
            (untyped, Some("b/header; charset=utf-8"), "b/header"),
            (untyped, Some("text/html"), INDEX),
            (untyped, Some("application/json"), INDEX),
            (untyped, None, INDEX),
            (r#"{"mediaType":"","manifests":[]}"#, None, INDEX),
        ] {
            let manifest = manifest(document, content_type);
            assert_eq!(manifest.media_type, expected, "{document} {content_type:?}");
        }
    }

    #[test]
    fn os_version_of_a_child_is_parsed() {
        let platform = r#"{"architecture":"amd64","os":"windows","os.version":"10.0","os.features":["win32k"]}"#;
        let child = D.replacen('{', &format!("{{\"platform\":{platform},"), 1);
        let index = manifest(&format!(r#"{{"manifests":[{child}]}}"#), None);
        let Ok(Content::Index { manifests, .. }) = index.content() else {
            unreachable!("{index:?}");
        };
        let platform = manifests[0].platform().unwrap();
        assert_eq!(platform.os_version.as_deref(), Some("10.0"));
    }

    #[test]
    fn invalid_manifest_is_an_error_with_its_cause() {
        let cases = [
            (
                r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
                "schema 1",
            ),
            ("<html>".to_owned(), "expected value at line 1 column 1"),
            ("{}".to_owned(), "no manifests, config or layers"),
            (
                format!(r#"{{"manifests":[],"layers":[{D}]}}"#),
                "both an index and",
            ),
            (r#"{"layers":[{"size":-1}]}"#.to_owned(), "line 1"),
        ];
        for (text, reason) in cases {
            let error = manifest(&text, None).content().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
