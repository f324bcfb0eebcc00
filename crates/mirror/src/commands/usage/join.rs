//! The images of clusters, joined with the rows, their locks and the mirror.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use image_name::Digest;

use super::inventory::{Inventory, Use, UsedImage};
use super::lookup::{Found, Lookups};
use super::owners::Owner;
use super::row_index::{Matches, RowIndex, covers};
use crate::rows::globs::Globs;

/// The result for an image that clusters use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// No row has the image.
    NotListed,
    /// A row has it, and the cluster takes it from its source.
    NotFromMirror,
    /// A row has it, and another digest than the approved one is used.
    OtherDigest,
    /// A row has it, and the mirror does not.
    NotAtMirror,
    /// Used from the mirror, as a row has it.
    Mirrored,
    /// Nodes store it, and no object names it.
    OnNodesOnly,
}

/// An image with its rows.
#[derive(Debug)]
pub(super) struct JoinedImage<'a> {
    /// The full name.
    pub(super) name: &'a str,
    /// The image.
    pub(super) used: &'a UsedImage,
    /// The uses by cluster and owner.
    pub(super) uses: BTreeMap<(usize, Owner), Use>,
    /// The status.
    pub(super) status: Status,
    /// The rows that write the image, or else those that copy it.
    pub(super) rows: Vec<usize>,
    /// The list has other tags of the repository.
    pub(super) is_other_tag: bool,
    /// The digests that are used and not approved.
    pub(super) other_digests: BTreeSet<Digest>,
    /// The platforms of the nodes that run it.
    pub(super) platforms: BTreeSet<String>,
    /// Those of them that the mirror does not have or get.
    pub(super) lacking: BTreeSet<String>,
    /// `--ignore` matches the image.
    pub(super) is_ignored: bool,
}

/// The settings of a join.
#[derive(Debug)]
pub(super) struct JoinRules {
    /// Clusters are rewritten: names of sources are served by the mirror.
    pub(super) is_rewritten: bool,
    /// Images that are no findings.
    pub(super) ignored: Globs,
}

/// The images of clusters and the rows that no cluster uses.
#[derive(Debug)]
pub(super) struct Joined<'a> {
    /// The images in the order of their names.
    pub(super) images: Vec<JoinedImage<'a>>,
    /// The rows without a use.
    pub(super) unused: Vec<usize>,
}

impl Status {
    /// Returns the word in the JSON document.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NotListed => "not_listed",
            Self::NotFromMirror => "not_from_mirror",
            Self::OtherDigest => "other_digest",
            Self::NotAtMirror => "not_at_mirror",
            Self::Mirrored => "mirrored",
            Self::OnNodesOnly => "on_nodes_only",
        }
    }
}

impl JoinedImage<'_> {
    /// Reports whether `--check` fails for the image.
    pub(super) fn is_finding(&self) -> bool {
        let is_good = matches!(self.status, Status::Mirrored | Status::OnNodesOnly);
        !self.is_ignored && (!is_good || !self.lacking.is_empty())
    }
}

/// Returns the rows whose images at the mirror decide on the status of an image.
pub(super) fn rows_to_look_up(index: &RowIndex, used: &UsedImage) -> Vec<usize> {
    let written = index.destinations(&used.name);
    match written {
        // A digest may be that of one platform of any image of the repository.
        Matches {
            rows,
            of_repository,
        } if rows.is_empty() && used.name.digest.is_some() => of_repository,
        Matches { rows, .. } if rows.is_empty() => index.sources(&used.name).rows,
        Matches { rows, .. } => rows,
    }
}

/// Joins the images with the rows.
pub(super) fn join<'a>(
    inventory: &'a Inventory,
    index: &RowIndex,
    lookups: &Lookups,
    rules: &JoinRules,
) -> Joined<'a> {
    let mut used_rows = HashSet::new();
    let images = inventory.images.iter().map(|(name, used)| {
        let joined = Join {
            index,
            lookups,
            rules,
        }
        .image(inventory, name, used);
        used_rows.extend(joined.rows.iter().copied());
        joined
    });
    let images: Vec<_> = images.collect();
    let unused = (0..index.rows.len()).filter(|at| !used_rows.contains(at));
    Joined {
        images,
        unused: unused.collect(),
    }
}

struct Join<'a> {
    index: &'a RowIndex,
    lookups: &'a Lookups,
    rules: &'a JoinRules,
}

impl Join<'_> {
    fn image<'a>(
        &self,
        inventory: &'a Inventory,
        name: &'a str,
        used: &'a UsedImage,
    ) -> JoinedImage<'a> {
        let written = self.index.destinations(&used.name);
        let copied = self.index.sources(&used.name);
        let is_of_mirror = !written.of_repository.is_empty();
        let mut rows = match (is_of_mirror, &used.name.digest) {
            (false, _) => copied.rows.clone(),
            (true, Some(digest)) if written.rows.is_empty() => {
                self.rows_with_child(&written.of_repository, digest)
            }
            (true, _) => written.rows.clone(),
        };
        rows.sort_unstable();
        let other_digests = self.other_digests(&rows, used);
        let uses = inventory.uses(used);
        let platforms: BTreeSet<String> = uses
            .values()
            .flat_map(|used| used.platforms.iter().cloned())
            .collect();
        let is_served = is_of_mirror || self.rules.is_rewritten;
        let lacking = match is_served {
            true => self.lacking(&rows, &platforms),
            false => BTreeSet::new(),
        };
        let is_locked = |at: &usize| self.index.rows[*at].approved.is_some();
        let status = match rows.is_empty() {
            _ if used.is_only_stored() => Status::OnNodesOnly,
            // The lock approves other digests of the repository than this one.
            true if is_of_mirror
                && used.name.digest.is_some()
                && used.name.tag.is_none()
                && written.of_repository.iter().any(is_locked) =>
            {
                Status::OtherDigest
            }
            true => Status::NotListed,
            false if !is_served => Status::NotFromMirror,
            false if rows.iter().all(|at| self.lookups.is_missing(*at)) => Status::NotAtMirror,
            false if !other_digests.is_empty() => Status::OtherDigest,
            false => Status::Mirrored,
        };
        let has_other_tag = is_of_mirror || !copied.of_repository.is_empty();
        JoinedImage {
            name,
            used,
            uses,
            status,
            is_other_tag: rows.is_empty() && has_other_tag,
            rows,
            other_digests,
            platforms,
            lacking,
            is_ignored: self.rules.ignored.matches_name(name)
                || self
                    .rules
                    .ignored
                    .matches_name(&used.name.repository.full()),
        }
    }

    /// Returns the rows whose image at the mirror has a digest, itself or for one platform.
    fn rows_with_child(&self, rows: &[usize], digest: &Digest) -> Vec<usize> {
        let has = |at: &&usize| match self.lookups.get(**at) {
            Some(Found::Image(image)) => image.digests.contains(digest),
            _ => false,
        };
        rows.iter().filter(has).copied().collect()
    }

    /// Returns the digests in use that no row approves, directly or for one platform.
    fn other_digests(&self, rows: &[usize], used: &UsedImage) -> BTreeSet<Digest> {
        let mut approved: HashSet<&Digest> = HashSet::new();
        for at in rows {
            let row = &self.index.rows[*at];
            let found = match self.lookups.get(*at) {
                Some(Found::Image(image)) => Some(image),
                _ => None,
            };
            approved.extend(row.approved.as_ref());
            match (row.expected(), found) {
                // The mirror has the approved image, so its platforms are approved too.
                (Some(expected), Some(image)) if image.digests.first() == Some(expected) => {
                    approved.extend(&image.digests);
                }
                // Nothing says which digest the mirror should have: neither a lock, nor a pin.
                (None, Some(image)) => approved.extend(&image.digests),
                (None, None) => return BTreeSet::new(),
                (Some(_), _) => {}
            }
        }
        if approved.is_empty() {
            return BTreeSet::new();
        }
        let named = used.name.digest.iter().chain(&used.running);
        named
            .filter(|digest| !approved.contains(digest))
            .cloned()
            .collect()
    }

    /// Returns the platforms of nodes that the mirror does not have, or that no target gets.
    fn lacking(&self, rows: &[usize], platforms: &BTreeSet<String>) -> BTreeSet<String> {
        if rows.is_empty() {
            return BTreeSet::new();
        }
        let has = |at: &usize, needed: &str| match self.lookups.get(*at) {
            Some(Found::Image(image)) => {
                // An artifact has no platform, nor has an image whose config names none.
                image.platforms.is_empty()
                    || image
                        .platforms
                        .iter()
                        .any(|platform| covers(platform, needed))
            }
            _ => self.index.rows[*at].gets(needed),
        };
        let lacks = |needed: &&String| !rows.iter().any(|at| has(at, needed));
        platforms.iter().filter(lacks).cloned().collect()
    }
}
