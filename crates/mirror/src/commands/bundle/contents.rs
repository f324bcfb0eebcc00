//! The output of `bundle inspect`.

use std::fmt::{self, Display, Formatter};

use bundle::contents::BundledImage;
use bundle::read::{ListedImage, Listing};
use copier::Platform;
use image_name::RepositoryName;
use serde::Serialize;

use crate::terminal::units::{bytes, counted};

/// The contents of a bundle: text and JSON.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BundleContents {
    /// The digest of `mirror.json`.
    identity: String,
    /// The program that wrote the bundle.
    created_by: String,
    /// `unsigned`, `unverified` (no key was given) or `verified`.
    signature: &'static str,
    /// The bytes of all members, uncompressed.
    bytes: u64,
    /// The manifests and indexes.
    manifests: usize,
    /// The configs and layers.
    blobs: usize,
    /// The images.
    images: Vec<ImageJson>,
    /// The content that the destination must have.
    requires: Vec<RequirementJson>,
    /// The layers that clients fetch from their publisher.
    foreign_layers: Vec<ForeignLayerJson>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ImageJson {
    /// The source with its tag or digest.
    source: String,
    /// The destination with its tag or digest.
    destination: String,
    digest: String,
    media_type: String,
    /// The bytes of the image and of everything attached to it. Images share content.
    bytes: u64,
    /// The bytes of it that the destination must have.
    required_bytes: u64,
    /// The platforms; none for an artifact.
    platforms: Vec<String>,
    /// The attestations in the index.
    attestations: usize,
    /// The referrers and digest tags.
    attached: Vec<AttachedJson>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AttachedJson {
    subject: String,
    digest: String,
    media_type: String,
    size: u64,
    /// The digest tag, `null` for a referrer.
    tag: Option<String>,
    artifact_type: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RequirementJson {
    digest: String,
    size: u64,
    /// The media type of a manifest, `null` for a blob.
    media_type: Option<String>,
    /// The repositories that have it according to the base.
    repositories: Vec<String>,
    base: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ForeignLayerJson {
    digest: String,
    size: u64,
    urls: Vec<String>,
    included: bool,
}

impl BundleContents {
    pub(super) fn new(listing: &Listing) -> Self {
        let head = &listing.head;
        let contents = &head.contents;
        let images = contents.images.iter().zip(&listing.images);
        let requires = contents.requires.iter().map(|required| RequirementJson {
            digest: required.digest.to_string(),
            size: required.size,
            media_type: required.media_type.clone(),
            repositories: required
                .repositories
                .iter()
                .map(RepositoryName::full)
                .collect(),
            base: required.base.clone(),
        });
        let foreign_layers = contents
            .foreign_layers
            .iter()
            .map(|layer| ForeignLayerJson {
                digest: layer.digest.to_string(),
                size: layer.size,
                urls: layer.urls.clone(),
                included: layer.included,
            });
        Self {
            identity: head.identity.to_string(),
            created_by: contents.created_by.clone(),
            signature: head.signature.as_str(),
            bytes: listing.bytes,
            manifests: listing.manifests,
            blobs: listing.blobs,
            images: images
                .map(|(image, listed)| ImageJson::new(image, listed))
                .collect(),
            requires: requires.collect(),
            foreign_layers: foreign_layers.collect(),
        }
    }
}

impl ImageJson {
    fn new(image: &BundledImage, listed: &ListedImage) -> Self {
        let platforms = listed.platforms.iter().filter_map(Platform::from_fields);
        let attached = image.attached.iter().map(|attached| AttachedJson {
            subject: attached.subject.to_string(),
            digest: attached.digest.to_string(),
            media_type: attached.media_type.clone(),
            size: attached.size,
            tag: attached.tag.as_ref().map(ToString::to_string),
            artifact_type: attached.artifact_type.clone(),
        });
        Self {
            source: image.source_name(),
            destination: image.destination_name(),
            digest: image.digest.to_string(),
            media_type: image.media_type.clone(),
            bytes: listed.bytes,
            required_bytes: listed.required_bytes,
            platforms: platforms.map(|platform| platform.to_string()).collect(),
            attestations: listed.attestations,
            attached: attached.collect(),
        }
    }
}

impl Display for BundleContents {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "identity    {}", self.identity)?;
        writeln!(f, "created by  {}", self.created_by)?;
        writeln!(f, "signature   {}", self.signature)?;
        for image in &self.images {
            write!(f, "\n{image}")?;
        }
        if !self.requires.is_empty() {
            let size = self.requires.iter().map(|required| required.size).sum();
            let count = counted(self.requires.len(), "content");
            writeln!(f, "\nrequires {count} ({}) at the destination", bytes(size))?;
        }
        for layer in &self.foreign_layers {
            let (digest, size) = (&layer.digest, bytes(layer.size));
            let place = if layer.included { "is" } else { "is not" };
            writeln!(f, "foreign layer {digest} ({size}) {place} in the bundle")?;
        }
        writeln!(
            f,
            "\n{} in {}: {}, {}",
            counted(self.images.len(), "image"),
            bytes(self.bytes),
            counted(self.manifests, "manifest"),
            counted(self.blobs, "blob"),
        )
    }
}

impl Display for ImageJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.destination)?;
        writeln!(f, "  source     {}", self.source)?;
        writeln!(f, "  digest     {}", self.digest)?;
        write!(f, "  size       {}", bytes(self.bytes))?;
        match self.required_bytes {
            0 => writeln!(f)?,
            required => writeln!(f, " and {} at the destination", bytes(required))?,
        }
        if !self.platforms.is_empty() {
            writeln!(f, "  platforms  {}", self.platforms.join(", "))?;
        }
        if self.attestations > 0 {
            writeln!(
                f,
                "  attested   {}",
                counted(self.attestations, "attestation")
            )?;
        }
        for attached in &self.attached {
            let kind = attached
                .tag
                .as_deref()
                .or(attached.artifact_type.as_deref());
            let kind = kind.unwrap_or(&attached.media_type);
            writeln!(f, "  attached   {kind} {}", attached.digest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema::assert_documented;

    #[test]
    fn schema_is_documented() {
        assert_documented::<BundleContents>("bundle-inspect");
    }
}
