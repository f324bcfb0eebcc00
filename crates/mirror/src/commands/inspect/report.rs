//! The output of `inspect`.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Display, Formatter};

use copier::Platform;
use registry_client::{Descriptor, Manifest};
use serde::Serialize;

use crate::registries::image_reader::ReadConfig;
use crate::registries::named_image::{NamedImage, tag_separator};
use crate::terminal::units::{bytes, counted};

/// The output of `inspect`: text and JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    repository: String,
    tag: String,
    digest: String,
    media_type: String,
    size: usize,
    /// The size of the configs and layers of all platforms, each blob once.
    total_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    /// The images of an index, or the image itself.
    platforms: Vec<PlatformJson>,
    /// The number of images in the index that are not in `platforms`.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
    /// The number of signatures, SBOMs and other referrers; `null` if they cannot be listed.
    pub(crate) referrers: Option<usize>,
    /// The blobs that `total_size` counts.
    #[serde(skip)]
    blobs: HashSet<String>,
}

/// The config of an image, and its descriptor.
#[derive(Debug, Default)]
pub(crate) struct ConfigBlob {
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) config: ReadConfig,
}

#[derive(Debug, Serialize)]
struct PlatformJson {
    platform: Option<String>,
    digest: String,
    media_type: String,
    /// The time of creation in the config.
    created: Option<String>,
    /// The labels of the config.
    labels: BTreeMap<String, String>,
    layers: Vec<LayerJson>,
}

#[derive(Debug, Serialize)]
struct LayerJson {
    digest: String,
    /// `null` if the descriptor has none.
    size: Option<u64>,
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
    pub(crate) fn new(image: &NamedImage, manifest: &Manifest) -> Self {
        Self {
            repository: image.repository(),
            tag: image.tag().to_owned(),
            digest: manifest.digest.to_string(),
            media_type: manifest.media_type.clone(),
            size: manifest.bytes.len(),
            total_size: 0,
            blobs: HashSet::new(),
            artifact_type: None,
            platforms: Vec::new(),
            more: 0,
            referrers: None,
        }
    }

    /// Adds an image of the index.
    pub(crate) fn add_child(
        &mut self,
        child: &Descriptor,
        config: &ConfigBlob,
        layers: &[Descriptor],
    ) {
        self.count(config, layers);
        let platform = Platform::of(child);
        self.platforms.push(PlatformJson {
            platform: platform.map(|platform| platform.to_string()),
            digest: child.digest().to_string(),
            media_type: child.media_type().unwrap_or_default().to_owned(),
            created: config.created(),
            labels: config.labels(),
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
        config: &ConfigBlob,
        layers: &[Descriptor],
        artifact_type: Option<String>,
    ) {
        self.artifact_type = artifact_type;
        self.count(config, layers);
        let platform = config.config.platform.as_ref();
        self.platforms.push(PlatformJson {
            platform: platform.map(Platform::to_string),
            digest: self.digest.clone(),
            media_type: self.media_type.clone(),
            created: config.created(),
            labels: config.labels(),
            layers: layers_json(layers),
        });
    }

    /// Adds the sizes of blobs that were not counted before. A layer without a size counts as empty.
    fn count(&mut self, config: &ConfigBlob, layers: &[Descriptor]) {
        let size = |layer: &Descriptor| layer.size().unwrap_or_default();
        let layers = layers
            .iter()
            .map(|layer| (layer.digest().to_string(), size(layer)));
        let config = [(config.digest.clone(), config.size)];
        for (digest, size) in config.into_iter().chain(layers) {
            if self.blobs.insert(digest) {
                self.total_size = self.total_size.saturating_add(size);
            }
        }
    }
}

impl ConfigBlob {
    fn created(&self) -> Option<String> {
        let created = self.config.document["created"].as_str();
        created.map(str::to_owned)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.config.document["config"]["Labels"].as_object();
        let labels = labels.into_iter().flatten();
        let texts =
            labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        texts.collect()
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
        let separator = tag_separator(&self.tag);
        writeln!(f, "name        {}{separator}{}", self.repository, self.tag)?;
        writeln!(f, "digest      {}", self.digest)?;
        writeln!(f, "media type  {}", self.media_type)?;
        if let Some(artifact_type) = &self.artifact_type {
            writeln!(f, "artifact    {artifact_type}")?;
        }
        writeln!(f, "size        {}", bytes(self.size as u64))?;
        writeln!(f, "total size  {}", bytes(self.total_size))?;
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
        let total = self.layers.iter().filter_map(|layer| layer.size).sum();
        let platform = self.platform.as_deref().unwrap_or("no platform");
        writeln!(f, "{platform}  {}", self.digest)?;
        writeln!(
            f,
            "  {}, {}",
            counted(self.layers.len(), "layer"),
            bytes(total)
        )?;
        if let Some(created) = &self.created {
            writeln!(f, "  created {created}")?;
        }
        for (key, value) in &self.labels {
            writeln!(f, "  label {key}={}", value.escape_debug())?;
        }
        for LayerJson { digest, size } in &self.layers {
            let size = size.map_or_else(|| "unknown".to_owned(), bytes);
            writeln!(f, "  {size:>11}  {digest}")?;
        }
        Ok(())
    }
}
