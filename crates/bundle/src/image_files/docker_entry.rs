//! `manifest.json` of `docker save`.

use image_name::ImageName;
use serde::Deserialize;

use super::error::printable;

/// The maximum size of `manifest.json` in bytes.
pub(super) const MAX_DOCKER_MANIFEST: u64 = 16 * 1024 * 1024;
/// The maximum number of images in it.
const MAX_IMAGES: usize = 20_000;
/// The maximum number of layers of an image.
const MAX_LAYERS: usize = 10_000;

/// An image of `manifest.json`.
///
/// Source: docker, `image/tarexport`; containers/image, `docker/internal/tarfile`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerEntry {
    /// The path of the config.
    pub(super) config: String,
    /// The names.
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    /// The paths of the layers, the lowest first.
    #[serde(default)]
    pub(super) layers: Option<Vec<String>>,
}

impl DockerEntry {
    /// Parses the document.
    ///
    /// # Errors
    ///
    /// The cause.
    pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let entries: Vec<Self> = serde_json::from_slice(bytes).map_err(|error| {
            format!(
                "manifest.json is not valid: {}",
                printable(&error.to_string())
            )
        })?;
        if entries.len() > MAX_IMAGES {
            return Err(format!(
                "manifest.json has {} images, more than the limit of {MAX_IMAGES}",
                entries.len()
            ));
        }
        let long = entries
            .iter()
            .find(|entry| entry.layers().len() > MAX_LAYERS);
        match long {
            Some(entry) => Err(format!(
                "an image of manifest.json has {} layers, more than the limit of {MAX_LAYERS}",
                entry.layers().len()
            )),
            None => Ok(entries),
        }
    }

    pub(super) fn layers(&self) -> &[String] {
        self.layers.as_deref().unwrap_or_default()
    }

    /// Returns the full names with tags. A name that is invalid is left out: it cannot be asked for.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.repo_tags.iter().flatten();
        let parsed = names.filter_map(|name| name.parse::<ImageName>().ok());
        parsed
            .map(|name| name.reference(None).to_string())
            .collect()
    }
}
