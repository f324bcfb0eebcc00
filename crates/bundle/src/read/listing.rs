//! The contents of a bundle for people: images with sizes, platforms and attached content.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use image_name::Digest;
use registry_client::{DescriptorPlatform, ImageConfig};

use super::error::{MAX_MANIFEST, ReadError};
use super::head::Head;
use super::manifests::{Keep, Leading, read_leading};
use super::opened::Members;
use super::verification::check_total;
use crate::contents::BundledImage;

/// The contents of a bundle.
#[derive(Debug)]
pub struct Listing {
    /// The head.
    pub head: Arc<Head>,
    /// One entry for each image of the contents, in their order.
    pub images: Vec<ListedImage>,
    /// The bytes of all members.
    pub bytes: u64,
    /// The number of distinct manifests and indexes.
    pub manifests: usize,
    /// The number of other content: configs and layers.
    pub blobs: usize,
}

/// An image of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedImage {
    /// The bytes of the image and of everything attached to it in the bundle. Images share content.
    pub bytes: u64,
    /// The bytes that are required from the destination instead.
    pub required_bytes: u64,
    /// The platforms, in the order of the index.
    pub platforms: Vec<DescriptorPlatform>,
    /// The number of attestation manifests in the index.
    pub attestations: usize,
}

/// Reads the documents, the manifests, and the configs of images that are in no index. Layers are not read,
/// and so not verified.
///
/// # Errors
///
/// [`ReadError`].
pub fn list(mut members: Members) -> Result<Listing, ReadError> {
    let head = Arc::clone(members.head());
    let contents = &head.contents;
    let mut leading = read_leading(&mut members, Keep::Nodes)?;
    check_total(contents, &leading.nodes)?;
    let platforms = read_configs(&mut members, &mut leading)?;
    let sizes: HashMap<&Digest, u64> = contents
        .members
        .iter()
        .filter_map(|member| Some((member.path.digest()?, member.size)))
        .collect();
    let required = contents.requires.iter();
    let required: HashMap<&Digest, u64> = required.map(|it| (&it.digest, it.size)).collect();
    let lister = Lister {
        leading: &leading,
        platforms,
        sizes,
        required,
    };
    let images = contents.images.iter();
    let images = images.map(|image| lister.image(image)).collect();
    let blobs = lister.sizes.len() - leading.nodes.len().min(lister.sizes.len());
    Ok(Listing {
        images,
        bytes: contents.members.iter().map(|member| member.size).sum(),
        manifests: leading.nodes.len(),
        blobs,
        head: Arc::clone(&head),
    })
}

struct Lister<'a> {
    leading: &'a Leading,
    /// The platforms of configs.
    platforms: HashMap<Digest, DescriptorPlatform>,
    sizes: HashMap<&'a Digest, u64>,
    required: HashMap<&'a Digest, u64>,
}

impl Lister<'_> {
    fn image(&self, image: &BundledImage) -> ListedImage {
        let mut listed = ListedImage::default();
        let mut visited = HashSet::new();
        let attached = image.attached.iter().map(|attached| &attached.digest);
        let mut pending: Vec<&Digest> = attached.collect();
        pending.push(&image.digest);
        while let Some(digest) = pending.pop() {
            if !visited.insert(digest) {
                continue;
            }
            match (self.sizes.get(digest), self.required.get(digest)) {
                (Some(size), _) => listed.bytes += size,
                (None, Some(size)) => listed.required_bytes += size,
                (None, None) => {}
            }
            if let Some(node) = self.leading.nodes.get(digest) {
                pending.extend(node.children.iter().map(|child| &child.digest));
            }
        }
        if let Some(node) = self.leading.nodes.get(&image.digest) {
            let own = node
                .config
                .as_ref()
                .and_then(|config| self.platforms.get(config));
            listed.platforms.extend(own.cloned());
            for child in node.children.iter().filter(|_| node.is_index) {
                let present = self.sizes.contains_key(&child.digest)
                    || self.required.contains_key(&child.digest);
                let Some(platform) = child.platform.as_ref().filter(|_| present) else {
                    continue;
                };
                // buildx lists attestations with this platform.
                if platform.os.as_deref() == Some("unknown") {
                    listed.attestations += 1;
                } else {
                    listed.platforms.push(platform.clone());
                }
            }
        }
        listed
    }
}

/// Reads the configs of images that are in no index, which follow the manifests.
fn read_configs(
    members: &mut Members,
    leading: &mut Leading,
) -> Result<HashMap<Digest, DescriptorPlatform>, ReadError> {
    let head = Arc::clone(members.head());
    let contents = &head.contents;
    let roots = contents.images.iter().map(|image| &image.digest);
    let nodes = roots.filter_map(|digest| leading.nodes.get(digest));
    let configs = nodes.filter_map(|node| node.config.clone());
    let mut wanted: HashSet<Digest> = configs.collect();
    let listed: HashSet<&Digest> = contents
        .members
        .iter()
        .filter_map(|it| it.path.digest())
        .collect();
    wanted.retain(|digest| listed.contains(digest));
    let mut platforms = HashMap::new();
    let mut next = leading.current.take();
    while let Some(index) = next
        && !wanted.is_empty()
    {
        let member = &contents.members[index];
        if let Some(digest) = member.path.digest()
            && member.size <= MAX_MANIFEST
            && wanted.remove(digest)
        {
            // A config that is no image config names no platform.
            let config = ImageConfig::parse(&members.read_to_end()?).unwrap_or_default();
            if let Some(platform) = config.platform {
                platforms.insert(digest.clone(), platform);
            }
        }
        next = members.next_member()?;
    }
    Ok(platforms)
}
