//! The image of a docker archive that a name chooses.

use std::collections::{BTreeSet, HashMap};

use image_name::Digest;
use registry_client::{Content, Manifest};

use super::container::Container;
use super::docker_entry::{DockerEntry, MAX_DOCKER_MANIFEST};
use super::error::ImageFileError;
use super::image_names::full_name;
use super::layout_index::{Entry, LayoutIndex};
use super::layout_view::{ReferrerMap, images, parsed};
use super::location::Selector;

/// The maximum depth of indexes within indexes.
const MAX_DEPTH: usize = 4;

/// An image of a docker archive.
#[derive(Debug)]
pub(super) struct FoundImage {
    /// The image in `manifest.json`.
    pub(super) image: DockerEntry,
    /// The name.
    pub(super) name: Option<String>,
    /// The same image in the layout of the archive, which has the original manifest.
    pub(super) entry: Option<(Entry, LayoutIndex)>,
}

/// Finds an image.
///
/// # Errors
///
/// [`ImageFileError`] if the archive is invalid, or does not have the image.
pub(super) fn find(
    container: &Container,
    selector: &Selector,
) -> Result<FoundImage, ImageFileError> {
    let invalid = |cause: String| ImageFileError::invalid(&container.place, cause);
    let Some(bytes) = container.document("manifest.json", MAX_DOCKER_MANIFEST)? else {
        let cause = match container.find("oci-layout")? {
            Some(_) => "it is no docker archive but an OCI layout: name it oci-archive:FILE",
            None => "it is no docker archive: it has no file manifest.json",
        };
        return Err(invalid(cause.to_owned()));
    };
    let entries = DockerEntry::parse(&bytes).map_err(invalid)?;
    let names = || {
        let names = entries.iter().flat_map(DockerEntry::names);
        names.collect::<BTreeSet<_>>().into_iter().collect()
    };
    let place = || container.place.clone();
    let no_image = |wanted: String| ImageFileError::NoImage {
        place: place(),
        wanted,
        names: names(),
    };
    let image = match selector {
        Selector::Position(position) => entries.get(*position),
        Selector::Name(name) => entries.iter().find(|entry| entry.names().contains(name)),
        Selector::Only => match &entries[..] {
            [image] => Some(image),
            [] => return Err(invalid("it has no image".to_owned())),
            _ => {
                return Err(ImageFileError::Several {
                    place: place(),
                    names: names(),
                });
            }
        },
    };
    let image = image.ok_or_else(|| match selector {
        Selector::Name(name) => no_image(name.clone()),
        Selector::Position(position) => no_image(format!("@{position}")),
        Selector::Only => no_image(String::new()),
    })?;
    let name = match selector {
        Selector::Name(name) => Some(name.clone()),
        _ => image.names().into_iter().next(),
    };
    let entry = in_layout(container, image, name.as_deref())?;
    Ok(FoundImage {
        image: image.clone(),
        name,
        entry,
    })
}

/// Returns the image in the layout of the archive, if it is there with all its content. `docker save` writes
/// indexes whose other platforms are missing.
fn in_layout(
    container: &Container,
    image: &DockerEntry,
    name: Option<&str>,
) -> Result<Option<(Entry, LayoutIndex)>, ImageFileError> {
    if !container.check_layout()? {
        return Ok(None);
    }
    let index = container.index()?;
    let candidates: Vec<&Entry> = match name {
        Some(name) => {
            let matches = |entry: &&Entry| {
                let names = [entry.containerd_name(), entry.name()]
                    .into_iter()
                    .flatten();
                names.filter_map(full_name).any(|found| found == name)
            };
            index.entries.iter().filter(matches).collect()
        }
        None => images(&index, &ReferrerMap::new()),
    };
    if candidates.is_empty() {
        return Ok(None);
    }
    let mut tree = Tree {
        container,
        config: config_digest(container, &image.config)?,
        visited: HashMap::new(),
    };
    for entry in candidates {
        let found = tree.visit(&entry.digest, 0)?;
        if found.is_complete && found.has_config {
            return Ok(Some((entry.clone(), index.clone())));
        }
    }
    Ok(None)
}

/// Returns the digest of a config.
fn config_digest(container: &Container, path: &str) -> Result<Digest, ImageFileError> {
    let config = container.document(path, super::layout_view::MAX_MANIFEST)?;
    let missing = || {
        let path = super::error::printable(path);
        ImageFileError::invalid(&container.place, format!("it has no config {path}"))
    };
    Ok(registry_client::sha256_digest(&config.ok_or_else(missing)?))
}

/// The content of a manifest in the archive.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// The archive has all of it.
    is_complete: bool,
    /// The config of the image is in it.
    has_config: bool,
}

struct Tree<'a> {
    container: &'a Container,
    config: Digest,
    /// The results: an index may list the same child many times.
    visited: HashMap<Digest, Found>,
}

impl Tree<'_> {
    fn visit(&mut self, digest: &Digest, depth: usize) -> Result<Found, ImageFileError> {
        if let Some(found) = self.visited.get(digest) {
            return Ok(*found);
        }
        let found = self.read(digest, depth)?;
        self.visited.insert(digest.clone(), found);
        Ok(found)
    }

    fn read(&mut self, digest: &Digest, depth: usize) -> Result<Found, ImageFileError> {
        let Some(manifest) = self.container.manifest(digest, "")? else {
            return Ok(Found::default());
        };
        let manifest: Manifest = parsed(&manifest);
        let Ok(content) = manifest.content() else {
            return Ok(Found::default());
        };
        let mut has_config = false;
        match content {
            Content::Index { manifests, .. } => {
                for child in manifests {
                    let child = Digest::try_from(child.digest()).ok();
                    let child = child.filter(|_| depth < MAX_DEPTH);
                    let found = child.map(|child| self.visit(&child, depth + 1));
                    let found = found.transpose()?.unwrap_or_default();
                    if !found.is_complete {
                        return Ok(Found::default());
                    }
                    has_config |= found.has_config;
                }
            }
            Content::Image { config, layers, .. } => {
                for blob in config.as_deref().into_iter().chain(&layers) {
                    let Ok(digest) = Digest::try_from(blob.digest()) else {
                        return Ok(Found::default());
                    };
                    let is_there = self.container.blob(&digest)?.is_some();
                    if !is_there && !blob.has_urls() {
                        return Ok(Found::default());
                    }
                }
                let config = config.map(|config| config.digest().to_string());
                has_config = config.as_deref() == Some(self.config.as_str());
            }
        }
        Ok(Found {
            is_complete: true,
            has_config,
        })
    }
}
