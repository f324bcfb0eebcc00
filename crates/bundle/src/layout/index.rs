//! `oci-layout` and `index.json`.

use std::collections::BTreeMap;

use image_name::{Digest, ManifestReference, RepositoryName};
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};

/// The bytes of `oci-layout`.
///
/// Source: image specification, "Image Layout".
pub const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The maximum size of `index.json` in bytes.
pub const MAX_INDEX: u64 = 64 << 20;

/// The name that containerd, docker, podman and k3s give to an image.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The name of an image in a layout.
const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The subject of a manifest without a name. Without it, docker lists the manifest as a dangling image.
const CONTAINERD_SUBJECT: &str = "io.containerd.manifest.subject";

/// The maximum length of an error of the JSON reader in characters.
const MAX_DETAIL: usize = 300;

/// The reason why a document of a layout is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// The document is too long.
    #[error("{name} has {size} bytes, more than the maximum of {maximum}")]
    TooLong {
        /// The name of the document.
        name: &'static str,
        /// The size in bytes.
        size: u64,
        /// The maximum in bytes.
        maximum: u64,
    },
    /// The document does not have the form of its specification.
    #[error("{name} is not valid: {detail}")]
    Form {
        /// The name of the document.
        name: &'static str,
        /// The cause with its position.
        detail: String,
    },
}

/// `index.json` of a layout.
///
/// Unknown keys are ignored when it is read: others write it too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// The media type of an index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The images.
    pub manifests: Vec<IndexEntry>,
}

/// A descriptor of `index.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexEntry {
    /// The media type of the manifest or index.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The artifact type of a referrer, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl IndexEntry {
    /// Creates an entry without a name.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Gives the entry the full name of an image, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`.
    ///
    /// Kubernetes finds an image that a pod names by digest only under a name with the digest.
    #[must_use]
    pub fn with_full_name(self, repository: &RepositoryName, tag: &ManifestReference) -> Self {
        let separator = if tag.tag().is_some() { ':' } else { '@' };
        let name = format!("{}{separator}{tag}", repository.full());
        self.annotated(CONTAINERD_NAME, name.clone())
            .annotated(REF_NAME, name)
    }

    /// Gives the entry the name that it has in the layout of its repository.
    #[must_use]
    pub fn with_tag(self, tag: &ManifestReference) -> Self {
        self.annotated(REF_NAME, tag.to_string())
    }

    /// Marks the entry as attached to another manifest.
    #[must_use]
    pub fn with_subject(self, subject: &Digest) -> Self {
        self.annotated(CONTAINERD_SUBJECT, subject.to_string())
    }

    /// Returns the name for containerd, docker and podman.
    #[must_use]
    pub fn containerd_name(&self) -> Option<&str> {
        self.annotations.get(CONTAINERD_NAME).map(String::as_str)
    }

    /// Returns the name in the layout.
    #[must_use]
    pub fn ref_name(&self) -> Option<&str> {
        self.annotations.get(REF_NAME).map(String::as_str)
    }

    /// Returns the digest of the manifest that it is attached to.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.annotations.get(CONTAINERD_SUBJECT).map(String::as_str)
    }

    fn annotated(mut self, key: &str, value: String) -> Self {
        self.annotations.insert(key.to_owned(), value);
        self
    }
}

impl Index {
    /// Creates an index with entries in this order.
    #[must_use]
    pub fn new(manifests: Vec<IndexEntry>) -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::ImageIndex.to_string()),
            manifests,
        }
    }

    /// Returns the bytes of the document: equal indexes have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // All keys are strings and all values plain data, so this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] if it is too long or no index.
    pub fn parse(bytes: &[u8]) -> Result<Self, LayoutError> {
        let (name, size) = ("index.json", bytes.len() as u64);
        if size > MAX_INDEX {
            let maximum = MAX_INDEX;
            return Err(LayoutError::TooLong {
                name,
                size,
                maximum,
            });
        }
        serde_json::from_slice(bytes).map_err(|error| LayoutError::Form {
            name,
            detail: error.to_string().chars().take(MAX_DETAIL).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        format!("sha256:{}", letter.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    #[test]
    fn named_entries_have_both_annotations_with_the_full_name() {
        let nginx: RepositoryName = "nginx".parse().unwrap();
        let entry = |tag: ManifestReference| {
            IndexEntry::new("x/y", digest('a'), 3).with_full_name(&nginx, &tag)
        };
        let index = Index::new(vec![
            entry("1.27".parse().unwrap()),
            entry(digest('a').into()),
            IndexEntry::new("x/y", digest('b'), 4).with_subject(&digest('a')),
        ]);
        let tagged = "docker.io/library/nginx:1.27";
        assert_eq!(index.manifests[0].containerd_name(), Some(tagged));
        assert_eq!(index.manifests[0].ref_name(), Some(tagged));
        let by_digest = format!("docker.io/library/nginx@{}", digest('a'));
        assert_eq!(index.manifests[1].containerd_name(), Some(&*by_digest));
        assert_eq!(index.manifests[2].containerd_name(), None);
        assert_eq!(index.manifests[2].subject(), Some(digest('a').as_str()));
        assert_eq!(Index::parse(&index.to_bytes()).unwrap(), index);
    }

    #[test]
    fn index_of_another_writer_is_read() {
        let text = format!(
            r#"{{"schemaVersion":2,"x":1,"manifests":[{{"mediaType":"a/b","digest":"{}","size":1,"platform":{{"os":"linux"}}}}]}}"#,
            digest('c')
        );
        let index = Index::parse(text.as_bytes()).unwrap();
        assert_eq!(index.manifests[0].digest, digest('c'));
        assert!(Index::parse(b"[]").is_err());
    }
}
