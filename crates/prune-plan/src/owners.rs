//! The image that each manifest of a plan belongs to.

use std::collections::HashMap;

use image_name::{Digest, Tag};

use crate::decision::GoReason;
use crate::manifest_graph::ManifestGraph;

/// The image that a manifest belongs to, and the reason why it goes.
pub(crate) type Owner = (Digest, GoReason);

/// A tag that goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoingTag<'a> {
    pub(crate) tag: &'a Tag,
    pub(crate) digest: &'a Digest,
    pub(crate) reason: &'a GoReason,
}

/// Returns the owner of each manifest that goes with the tags, and with `extra`: manifests without a tag, with
/// their images. What a digest tag leads to belongs to the image of its subject.
pub(crate) fn owners<'a>(
    graph: &'a ManifestGraph,
    tags: &[GoingTag<'a>],
    extra: &HashMap<&'a Digest, &'a Digest>,
) -> HashMap<&'a Digest, Owner> {
    let mut owners = Owners {
        graph,
        owners: HashMap::new(),
    };
    let mut about = Vec::new();
    for GoingTag {
        tag,
        digest,
        reason,
    } in tags
    {
        match reason {
            GoReason::About(subject) if graph.contains(subject) => about.push((*digest, subject)),
            GoReason::About(image) => {
                let reason = GoReason::PartOfImage(image.clone());
                owners.add(digest, (image.clone(), reason));
            }
            _ => owners.add(
                digest,
                ((*digest).clone(), GoReason::PartOf((*tag).clone())),
            ),
        }
    }
    for (part, image) in extra {
        let reason = GoReason::PartOfImage((*image).clone());
        owners.add(part, ((*image).clone(), reason));
    }
    // The subject of a digest tag may itself be behind a digest tag.
    while let Some((digest, owner)) = about.iter().find_map(|(digest, subject)| {
        let is_open = !owners.owners.contains_key(*digest);
        let owner = owners.owners.get(*subject).filter(|_| is_open);
        Some((*digest, owner?.clone()))
    }) {
        owners.add(digest, owner);
    }
    owners.owners
}

struct Owners<'a> {
    graph: &'a ManifestGraph,
    owners: HashMap<&'a Digest, Owner>,
}

impl<'a> Owners<'a> {
    /// Adds what belongs to a manifest, and has no owner yet.
    fn add(&mut self, root: &'a Digest, owner: Owner) {
        for part in self.graph.carried_by([root]) {
            self.owners.entry(part).or_insert_with(|| owner.clone());
        }
    }
}
