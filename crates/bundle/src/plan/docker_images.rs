//! The images of `manifest.json`, one platform each.

use std::collections::BTreeMap;

use image_name::Digest;
use registry_client::{Content, Descriptor, DescriptorPlatform};

use super::planned_image::PlannedImage;
use super::walk::Collected;
use crate::contents::MemberPath;
use crate::layout::DockerImage;
use crate::recording::Recorded;

/// The media types of configs that docker and podman run.
const IMAGE_CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// The platform of `manifest.json`, which has one for each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerPlatform {
    /// The operating system.
    pub os: String,
    /// The architecture.
    pub architecture: String,
    /// The variant of the architecture, if it matters.
    pub variant: Option<String>,
}

impl Default for DockerPlatform {
    fn default() -> Self {
        Self {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
            variant: None,
        }
    }
}

impl DockerPlatform {
    fn accepts(&self, platform: &DescriptorPlatform) -> bool {
        platform.os.as_ref() == Some(&self.os)
            && platform.architecture.as_ref() == Some(&self.architecture)
            && (self.variant.is_none() || self.variant == platform.variant)
    }
}

/// Returns the images of `manifest.json`: those with the platform whose config and layers are all in the
/// archive. `names` are the names of the images in the layout.
pub(super) fn docker_images<'a>(
    recorded: &Recorded,
    collected: &Collected,
    platform: &DockerPlatform,
    names: impl Iterator<Item = (&'a PlannedImage, Option<String>)>,
) -> Vec<DockerImage> {
    let mut images: BTreeMap<Digest, DockerImage> = BTreeMap::new();
    for (image, name) in names {
        let Some(name) = name else { continue };
        let Some((digest, found)) = docker_image(recorded, collected, platform, &image.digest)
        else {
            continue;
        };
        let tags = &mut images.entry(digest).or_insert(found).repo_tags;
        if !tags.contains(&name) {
            tags.push(name);
        }
    }
    let mut images: Vec<DockerImage> = images.into_values().collect();
    images.iter_mut().for_each(|image| image.repo_tags.sort());
    images.sort_by(|one, other| one.repo_tags.cmp(&other.repo_tags));
    images
}

fn docker_image(
    recorded: &Recorded,
    collected: &Collected,
    platform: &DockerPlatform,
    digest: &Digest,
) -> Option<(Digest, DockerImage)> {
    collected.manifest_paths.get(digest)?;
    let manifest = recorded.manifest(digest)?.manifest();
    match manifest.content().ok()? {
        Content::Index { manifests, .. } => {
            let is_wanted = |child: &&Descriptor| {
                let offered = child.platform();
                offered.is_some_and(|offered| platform.accepts(offered))
            };
            let child = manifests.iter().find(is_wanted)?;
            let child = Digest::try_from(child.digest()).ok()?;
            // A nested index has no platform.
            let stored = recorded.manifest(&child)?;
            matches!(stored.manifest().content(), Ok(Content::Image { .. })).then_some(())?;
            docker_image(recorded, collected, platform, &child)
        }
        Content::Image { config, layers, .. } => {
            let config = config?;
            let is_image = config
                .media_type()
                .is_some_and(|media_type| IMAGE_CONFIGS.contains(&media_type));
            let member = |blob: &Descriptor| {
                let digest = Digest::try_from(blob.digest()).ok()?;
                let is_in = is_image && collected.has_blob(&digest);
                is_in.then(|| MemberPath::blob(digest))
            };
            let image = DockerImage {
                config: member(&config)?,
                repo_tags: Vec::new(),
                layers: layers.iter().map(member).collect::<Option<_>>()?,
            };
            Some((digest.clone(), image))
        }
    }
}
