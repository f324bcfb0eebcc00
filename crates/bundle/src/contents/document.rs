//! The document `mirror.json`.

use image_name::{Digest, RepositoryName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image::BundledImage;
use super::member_path::MemberPath;
use super::names;

/// The version of the format that this crate writes and reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The contents of a bundle, as its first member `mirror.json` lists them.
///
/// It has no date: the same images give the same document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contents {
    /// The version of the format, 1.
    pub format_version: u32,
    /// The program that wrote the bundle, with its version.
    pub created_by: String,
    /// The number of layouts.
    pub layout: LayoutKind,
    /// The compression of the archive; null without one. Layers have their own.
    pub compression: Option<Compression>,
    /// The names of the images in the layout.
    pub names: NamedBy,
    /// The target that `--target` selected, if any.
    pub target: Option<String>,
    /// The images, one for each written tag of each exported row.
    pub images: Vec<BundledImage>,
    /// Every other member except the signature, in the order of the archive.
    pub members: Vec<Member>,
    /// The content of the images that is not in the bundle, because a base has it.
    pub requires: Vec<Requirement>,
    /// The inventories and bundles of `--base`.
    pub bases: Vec<Base>,
    /// The layers that clients fetch from their publisher, unless the bundle has them.
    pub foreign_layers: Vec<ForeignLayer>,
}

/// The number of layouts in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LayoutKind {
    /// One layout with all images.
    Single,
    /// One layout for each repository, below a directory with its path.
    Repositories,
}

/// The compression of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compression {
    /// The format.
    pub format: CompressionFormat,
    /// The compression level.
    pub level: i32,
    /// The version of the encoder. Another version may write other bytes.
    pub encoder: String,
}

/// A compression format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CompressionFormat {
    /// Zstandard (RFC 8878).
    Zstd,
}

/// The side of the rows that gives the images their names in the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NamedBy {
    /// Their destinations.
    Destination,
    /// Their sources.
    Source,
}

/// A member of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
    /// The path in the archive or directory.
    #[schemars(with = "String")]
    pub path: MemberPath,
    /// The digest of its bytes. That of a blob is also its name.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Content that is not in a bundle and must be at the destination before an import.
///
/// A required manifest stands for everything under it. A required blob belongs to an image that is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The digest of the content.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The media type of a manifest or index; null for a blob.
    pub media_type: Option<String>,
    /// The full names of the destination repositories that have it according to the base.
    #[serde(with = "names::list")]
    #[schemars(with = "Vec<String>")]
    pub repositories: Vec<RepositoryName>,
    /// The name of the base that has it.
    pub base: String,
}

/// An inventory or an earlier bundle whose content was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Base {
    /// The name of its file.
    pub name: String,
    /// The digest of the inventory, or of the `mirror.json` of the bundle.
    #[schemars(with = "String")]
    pub digest: Digest,
}

/// A layer that its image leaves at the URLs of its publisher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForeignLayer {
    /// The digest of the layer.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The URLs of the publisher.
    pub urls: Vec<String>,
    /// True if the bundle has the layer.
    pub included: bool,
}

impl Contents {
    /// Creates the contents of an empty bundle.
    #[must_use]
    pub fn new(created_by: impl Into<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            created_by: created_by.into(),
            layout: LayoutKind::Single,
            compression: None,
            names: NamedBy::Destination,
            target: None,
            images: Vec::new(),
            members: Vec::new(),
            requires: Vec::new(),
            bases: Vec::new(),
            foreign_layers: Vec::new(),
        }
    }

    /// Returns the bytes of the document: equal contents have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // All keys are strings and all values plain data, so this cannot fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Returns true if content of the images is missing because the destination has it.
    #[must_use]
    pub fn is_delta(&self) -> bool {
        !self.requires.is_empty()
    }
}
