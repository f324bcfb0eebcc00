//! A manifest: bytes that are never changed, and a reading of them.

use bytes::Bytes;
use image_name::Digest;
use oci_client::manifest as media_type;
use oci_spec::image::Descriptor;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::redact::printable;

/// Characters of the reason why a manifest cannot be read.
const DETAIL: usize = 400;

/// A manifest or index as the registry served it.
///
/// The bytes are what is carried; everything else is read from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The exact bytes.
    pub bytes: Bytes,
    /// The `Content-Type` to send with them.
    pub media_type: String,
    /// Their digest.
    pub digest: Digest,
}

/// What a manifest refers to, told by its structure and not by its media type,
/// so that unknown types pass.
///
/// Source: image specification, "Image Manifest", "Image Index"; Docker
/// "Image Manifest Version 2, Schema 2".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// An image index or manifest list.
    Index {
        /// The children in their order.
        manifests: Vec<Descriptor>,
        /// What the index refers to, if it is a referrer.
        subject: Option<Box<Descriptor>>,
    },
    /// An image or artifact manifest.
    Image {
        /// The config, absent in old artifact manifests.
        config: Option<Box<Descriptor>>,
        /// Layers or, in old artifact manifests, blobs.
        layers: Vec<Descriptor>,
        /// What the manifest refers to, if it is a referrer.
        subject: Option<Box<Descriptor>>,
        /// The type of an artifact.
        artifact_type: Option<String>,
    },
}

impl Content {
    /// Returns the manifest that this one refers to, if it is a referrer.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Index { subject, .. } | Self::Image { subject, .. } => subject.as_deref(),
        }
    }
}

/// A manifest that cannot be carried.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ManifestError {
    /// Docker's format before 2016, with signatures inside.
    #[error(
        "{digest} is a Docker schema 1 manifest, a format that was given up in 2016; ask the publisher to push the image again, or pull and push it with a tool that converts"
    )]
    Schema1 {
        /// The manifest.
        digest: Digest,
    },
    /// Not JSON, or not of the specification's shape.
    #[error("{digest} is no manifest or index that can be read: {detail}")]
    Unreadable {
        /// The manifest.
        digest: Digest,
        /// What is wrong and where.
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u64>,
    media_type: Option<String>,
    #[serde(default, deserialize_with = "children")]
    manifests: Option<Vec<Descriptor>>,
    config: Option<Box<Descriptor>>,
    layers: Option<Vec<Descriptor>>,
    blobs: Option<Vec<Descriptor>>,
    subject: Option<Box<Descriptor>>,
    artifact_type: Option<String>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

/// The children of an index. oci-spec 0.10 looks for `os_version` and
/// `os_features` where the specification says `os.version` and `os.features`,
/// and passes over those.
fn children<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Descriptor>>, D::Error> {
    let Some(mut children) = Option::<Vec<Value>>::deserialize(from)? else {
        return Ok(None);
    };
    for child in &mut children {
        let Some(platform) = child.get_mut("platform").and_then(Value::as_object_mut) else {
            continue;
        };
        for (specified, expected) in [("os.version", "os_version"), ("os.features", "os_features")]
        {
            if let Some(value) = platform.remove(specified) {
                platform.insert(expected.to_owned(), value);
            }
        }
    }
    let read = children.into_iter().map(serde_json::from_value);
    let read: Result<_, _> = read.collect();
    read.map(Some).map_err(D::Error::custom)
}

impl Manifest {
    /// A manifest of known digest; the media type is the answer's
    /// `Content-Type` or, where that says nothing, the manifest's own.
    pub(crate) fn new(bytes: Bytes, content_type: Option<&str>, digest: Digest) -> Self {
        let content_type =
            content_type.map(|value| value.split(';').next().unwrap_or(value).trim());
        let vague = [
            "",
            "application/json",
            "application/octet-stream",
            "text/plain",
        ];
        let media_type = match content_type.filter(|value| !vague.contains(value)) {
            Some(value) => value.to_owned(),
            None => own_media_type(&bytes),
        };
        Self {
            bytes,
            media_type,
            digest,
        }
    }

    /// Reads what the manifest refers to.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] for schema 1 and for what is no manifest.
    pub fn content(&self) -> Result<Content, ManifestError> {
        // What it quotes may be as long as the manifest, and anything.
        let unreadable = |detail: String| ManifestError::Unreadable {
            digest: self.digest.clone(),
            detail: printable(&detail, DETAIL),
        };
        let shape: Shape =
            serde_json::from_slice(&self.bytes).map_err(|error| unreadable(error.to_string()))?;
        if shape.schema_version == Some(1) || shape.fs_layers.is_some() {
            return Err(ManifestError::Schema1 {
                digest: self.digest.clone(),
            });
        }
        let layers = shape.layers.or(shape.blobs);
        match (shape.manifests, shape.config, layers) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(unreadable(
                "it is an index and an image manifest at once".into(),
            )),
            (Some(manifests), None, None) => Ok(Content::Index {
                manifests,
                subject: shape.subject,
            }),
            (None, None, None) => Err(unreadable(
                "it has neither manifests nor a config nor layers".into(),
            )),
            (None, config, layers) => Ok(Content::Image {
                config,
                layers: layers.unwrap_or_default(),
                subject: shape.subject,
                artifact_type: shape.artifact_type,
            }),
        }
    }
}

/// Whether a media type is that of an index: from a HEAD alone.
#[must_use]
pub fn is_index_type(media_type: &str) -> bool {
    [
        media_type::OCI_IMAGE_INDEX_MEDIA_TYPE,
        media_type::IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    ]
    .contains(&media_type)
}

/// The `mediaType` inside, else what the structure says.
fn own_media_type(bytes: &[u8]) -> String {
    let shape: Option<Shape> = serde_json::from_slice(bytes).ok();
    let index = shape
        .as_ref()
        .is_some_and(|shape| shape.manifests.is_some());
    let by_structure = if index {
        media_type::OCI_IMAGE_INDEX_MEDIA_TYPE
    } else {
        media_type::OCI_IMAGE_MEDIA_TYPE
    };
    shape
        .and_then(|shape| shape.media_type)
        .unwrap_or_else(|| by_structure.to_owned())
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
    fn content_is_told_by_structure() {
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
    fn the_version_of_a_child_s_system_is_read() {
        let platform = r#"{"architecture":"amd64","os":"windows","os.version":"10.0","os.features":["win32k"]}"#;
        let child = D.replacen('{', &format!("{{\"platform\":{platform},"), 1);
        let index = manifest(&format!(r#"{{"manifests":[{child}]}}"#), None);
        let Ok(Content::Index { manifests, .. }) = index.content() else {
            unreachable!("{index:?}");
        };
        let platform = manifests[0].platform().as_ref().unwrap();
        assert_eq!(platform.os_version().as_deref(), Some("10.0"));
        assert_eq!(platform.os_features().as_ref().unwrap(), &["win32k"]);
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_a_reason() {
        let cases = [
            (
                r#"{"schemaVersion":1,"fsLayers":[]}"#.to_owned(),
                "schema 1",
            ),
            ("<html>".to_owned(), "expected value at line 1 column 1"),
            ("{}".to_owned(), "neither manifests nor"),
            (format!(r#"{{"manifests":[],"layers":[{D}]}}"#), "at once"),
            (r#"{"layers":[{"size":-1}]}"#.to_owned(), "line 1"),
        ];
        for (text, reason) in cases {
            let error = manifest(&text, None).content().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
