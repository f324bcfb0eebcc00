//! The output of `inspect`.

use std::fmt::{self, Display, Formatter};

use copier::Platform;
use image_name::{full_repository, tag_or_digest};
use oci_spec::distribution::Reference;
use oci_spec::image::Descriptor;
use registry_client::Manifest;
use serde::Serialize;

use crate::terminal::units::{bytes, counted};

/// The output of `inspect`: text and JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    repository: String,
    tag: String,
    digest: String,
    media_type: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    /// The images of an index, or the image itself.
    platforms: Vec<PlatformJson>,
    /// The number of images in the index that are not in `platforms`.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
    /// The number of signatures, SBOMs and other referrers; `null` if they cannot be listed.
    pub(crate) referrers: Option<usize>,
}

#[derive(Debug, Serialize)]
struct PlatformJson {
    platform: Option<String>,
    digest: String,
    media_type: String,
    layers: Vec<LayerJson>,
}

#[derive(Debug, Serialize)]
struct LayerJson {
    digest: String,
    size: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Inspected {
    /// Creates the output of a manifest, without platforms and referrers.
    pub(crate) fn new(reference: &Reference, manifest: &Manifest) -> Self {
        Self {
            repository: full_repository(reference),
            tag: tag_or_digest(reference).to_owned(),
            digest: manifest.digest.to_string(),
            media_type: manifest.media_type.clone(),
            size: manifest.bytes.len(),
            artifact_type: None,
            platforms: Vec::new(),
            more: 0,
            referrers: None,
        }
    }

    /// Adds an image of the index.
    pub(crate) fn add_child(&mut self, child: &Descriptor, layers: &[Descriptor]) {
        let platform = child.platform().as_ref().map(Platform::from);
        self.platforms.push(PlatformJson {
            platform: platform.map(|platform| platform.to_string()),
            digest: child.digest().to_string(),
            media_type: child.media_type().to_string(),
            layers: layers_json(layers),
        });
    }

    /// Sets the number of images in the index that were not read.
    pub(crate) fn set_more(&mut self, more: usize) {
        self.more = more;
    }

    /// Adds the image itself, with the platform of its config.
    pub(crate) fn add_image(
        &mut self,
        config: Option<&[u8]>,
        layers: &[Descriptor],
        artifact_type: Option<String>,
    ) {
        self.artifact_type = artifact_type;
        let platform = config.and_then(|config| serde_json::from_slice(config).ok());
        let platform: Option<oci_spec::image::Platform> = platform;
        // Some build tools leave OS and architecture empty.
        let platform = platform.filter(|platform| !platform.architecture().to_string().is_empty());
        self.platforms.push(PlatformJson {
            platform: platform.map(|platform| Platform::from(&platform).to_string()),
            digest: self.digest.clone(),
            media_type: self.media_type.clone(),
            layers: layers_json(layers),
        });
    }
}

fn layers_json(layers: &[Descriptor]) -> Vec<LayerJson> {
    let layers = layers.iter().map(|layer| LayerJson {
        digest: layer.digest().to_string(),
        size: layer.size(),
    });
    layers.collect()
}

impl Display for Inspected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let separator = if self.tag.contains(':') { '@' } else { ':' };
        writeln!(f, "name        {}{separator}{}", self.repository, self.tag)?;
        writeln!(f, "digest      {}", self.digest)?;
        writeln!(f, "media type  {}", self.media_type)?;
        if let Some(artifact_type) = &self.artifact_type {
            writeln!(f, "artifact    {artifact_type}")?;
        }
        writeln!(f, "size        {}", bytes(self.size as u64))?;
        match self.referrers {
            Some(count) => writeln!(f, "referrers   {count}")?,
            None => writeln!(f, "referrers   unknown (the registry does not list them)")?,
        }
        for image in &self.platforms {
            write!(f, "\n{image}")?;
        }
        match self.more {
            0 => Ok(()),
            more => writeln!(f, "\nand {} more", counted(more, "image")),
        }
    }
}

impl Display for PlatformJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let total = self.layers.iter().map(|layer| layer.size).sum();
        let platform = self.platform.as_deref().unwrap_or("no platform");
        writeln!(f, "{platform}  {}", self.digest)?;
        writeln!(
            f,
            "  {}, {}",
            counted(self.layers.len(), "layer"),
            bytes(total)
        )?;
        for LayerJson { digest, size } in &self.layers {
            writeln!(f, "  {:>11}  {digest}", bytes(*size))?;
        }
        Ok(())
    }
}
