//! An image of a bundle.

use image_name::{Digest, ManifestReference, RepositoryName, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names;

/// One written tag of one exported row, with everything attached to its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundledImage {
    /// The full name of the source repository.
    #[serde(with = "names::one")]
    #[schemars(with = "String")]
    pub source: RepositoryName,
    /// The full name of the destination repository.
    #[serde(with = "names::one")]
    #[schemars(with = "String")]
    pub destination: RepositoryName,
    /// The tag at the source, or a digest.
    #[serde(with = "names::one")]
    #[schemars(with = "String")]
    pub tag: ManifestReference,
    /// The tag at the destination, or the digest of a row without a tag.
    #[serde(with = "names::one")]
    #[schemars(with = "String")]
    pub destination_tag: ManifestReference,
    /// The digest of the manifest or index.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The platforms that the export selected; absent for a whole image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// The referrers and digest tags of the image, its children and its referrers.
    pub attached: Vec<AttachedManifest>,
}

/// A manifest that is attached to another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AttachedManifest {
    /// The digest of the manifest that it belongs to.
    #[schemars(with = "String")]
    pub subject: Digest,
    /// Its own digest.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest tag that names it, such as `sha256-….sig`; null for a referrer, which names its subject
    /// itself.
    #[schemars(with = "Option<String>")]
    pub tag: Option<Tag>,
    /// The artifact type of a referrer, if it has one.
    pub artifact_type: Option<String>,
}
