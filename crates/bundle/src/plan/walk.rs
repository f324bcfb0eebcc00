//! The walk through the images of a plan: which content is in the archive, which is required.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use image_name::{Digest, RepositoryPath};
use registry_client::{Content, Descriptor, Repository};

use super::error::{PlanError, UnknownContent};
use super::planned_image::{ContentHead, ImageShare, PlannedImage};
use crate::base::FarSide;
use crate::contents::{ForeignLayer, Requirement};
use crate::recording::{Recorded, RecordedRepository, StoredManifest};

/// The kind of a blob, which decides its place in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BlobKind {
    Config,
    Layer,
}

/// A blob that the archive needs.
#[derive(Debug)]
pub(super) struct NeededBlob {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) kind: BlobKind,
    pub(super) sources: Vec<Repository>,
    /// The repositories in the recording registry that need it.
    pub(super) paths: BTreeSet<RepositoryPath>,
}

/// The content of all images.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) manifests: Vec<Arc<StoredManifest>>,
    /// The repositories that need a manifest, by its digest.
    pub(super) manifest_paths: HashMap<Digest, BTreeSet<RepositoryPath>>,
    pub(super) blobs: Vec<NeededBlob>,
    blob_numbers: HashMap<Digest, usize>,
    pub(super) requires: BTreeMap<Digest, Requirement>,
    pub(super) foreign: BTreeMap<Digest, ForeignLayer>,
    unknown: HashMap<Digest, UnknownContent>,
}

/// The walk of a plan.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) far_side: &'a FarSide,
    /// The names of the bases.
    pub(super) bases: &'a [String],
    pub(super) heads: &'a HashMap<Digest, ContentHead>,
    pub(super) collected: Collected,
}

/// The walk of one image.
struct ImageWalk<'a> {
    path: &'a RepositoryPath,
    repository: &'a RecordedRepository,
    seen: HashSet<Digest>,
    share: ImageShare,
}

/// A manifest to visit.
struct Visit {
    digest: Digest,
    /// The descriptor in the parent.
    listed: Option<ContentHead>,
    is_child: bool,
}

impl<'a> Walk<'a> {
    /// Visits an image and everything attached to it.
    ///
    /// # Errors
    ///
    /// [`PlanError`] for manifests that are missing or invalid.
    pub(super) fn visit(&mut self, image: &'a PlannedImage) -> Result<ImageShare, PlanError> {
        let recorded = self.recorded;
        let Some(repository) = recorded.repository(&image.path) else {
            return Err(PlanError::Missing {
                repository: image.destination.clone(),
                digest: image.digest.clone(),
            });
        };
        let mut walk = ImageWalk {
            path: &image.path,
            repository,
            seen: HashSet::new(),
            share: ImageShare::default(),
        };
        let attached = image.attached.iter().map(|attached| &attached.digest);
        for digest in std::iter::once(&image.digest).chain(attached) {
            let mut pending = vec![Visit {
                digest: digest.clone(),
                listed: None,
                is_child: false,
            }];
            while let Some(visit) = pending.pop() {
                if walk.seen.insert(visit.digest.clone()) {
                    let children = self.visit_manifest(&mut walk, visit)?;
                    // The first child is visited first.
                    pending.extend(children.into_iter().rev());
                }
            }
        }
        Ok(walk.share)
    }

    fn visit_manifest(
        &mut self,
        walk: &mut ImageWalk<'a>,
        visit: Visit,
    ) -> Result<Vec<Visit>, PlanError> {
        let Visit {
            digest,
            listed,
            is_child,
        } = visit;
        let stored = self.recorded.manifest(&digest);
        let stored = stored.filter(|_| walk.repository.has_manifest(&digest));
        let known = self.far_side.manifest(walk.repository.name(), &digest);
        let (stored, base) = match (stored, known) {
            (_, Some(base)) => (None, Some(base)),
            (stored, None) => (stored, None),
        };
        if let Some(base) = base {
            self.require_manifest(walk, &digest, listed, base);
            return Ok(Vec::new());
        }
        let Some(stored) = stored else {
            if walk.repository.needs_blob(&digest) {
                let size = listed.map(|listed| listed.size);
                self.need_blob(walk, digest, size, BlobKind::Layer);
                return Ok(Vec::new());
            }
            // A sparse index lists children that were not selected.
            if is_child {
                return Ok(Vec::new());
            }
            return Err(PlanError::Missing {
                repository: walk.repository.name().clone(),
                digest,
            });
        };
        self.include_manifest(walk, stored);
        match stored.manifest().content()? {
            Content::Index { manifests, .. } => Ok(manifests.iter().filter_map(child).collect()),
            Content::Image { config, layers, .. } => {
                if let Some(config) = &config {
                    self.visit_blob(walk, config, BlobKind::Config);
                }
                for layer in &layers {
                    self.visit_blob(walk, layer, BlobKind::Layer);
                }
                Ok(Vec::new())
            }
        }
    }

    fn include_manifest(&mut self, walk: &mut ImageWalk<'_>, stored: &Arc<StoredManifest>) {
        let paths = self.collected.manifest_paths.entry(stored.digest().clone());
        let paths = paths.or_default();
        if paths.is_empty() {
            walk.share.new += stored.size();
            self.collected.manifests.push(Arc::clone(stored));
        } else {
            walk.share.shared += stored.size();
        }
        paths.insert(walk.path.clone());
    }

    fn require_manifest(
        &mut self,
        walk: &mut ImageWalk<'_>,
        digest: &Digest,
        listed: Option<ContentHead>,
        base: usize,
    ) {
        let stored = self.recorded.manifest(digest).map(|stored| ContentHead {
            media_type: Some(stored.media_type().to_owned()),
            size: stored.size(),
        });
        let head = self.heads.get(digest).cloned().or(stored).or(listed);
        let Some(head) = head else {
            self.unknown(walk, digest.clone(), true);
            return;
        };
        walk.share.left_out += head.size;
        let name = walk.repository.name();
        let requirement = self.collected.requires.entry(digest.clone());
        let requirement = requirement.or_insert_with(|| Requirement {
            digest: digest.clone(),
            size: head.size,
            media_type: head.media_type,
            repositories: Vec::new(),
            base: self.bases.get(base).cloned().unwrap_or_default(),
        });
        if !requirement.repositories.contains(name) {
            requirement.repositories.push(name.clone());
        }
    }

    fn visit_blob(&mut self, walk: &mut ImageWalk<'_>, blob: &Descriptor, kind: BlobKind) {
        let Ok(digest) = Digest::try_from(blob.digest()) else {
            return;
        };
        if !walk.seen.insert(digest.clone()) {
            return;
        }
        let is_needed = walk.repository.needs_blob(&digest);
        if blob.is_foreign() || !is_needed {
            let layer = || ForeignLayer {
                digest: digest.clone(),
                size: blob.size().unwrap_or_default(),
                urls: blob.urls(),
                included: false,
            };
            let foreign = self.collected.foreign.entry(digest.clone());
            foreign.or_insert_with(layer);
        }
        if is_needed {
            self.need_blob(walk, digest, blob.size(), kind);
        }
    }

    fn need_blob(
        &mut self,
        walk: &mut ImageWalk<'_>,
        digest: Digest,
        size: Option<u64>,
        kind: BlobKind,
    ) {
        let size = size.or_else(|| self.heads.get(&digest).map(|head| head.size));
        let Some(size) = size else {
            self.unknown(walk, digest, false);
            return;
        };
        let name = walk.repository.name();
        if let Some(known) = self.far_side.blob(name.host(), &digest) {
            walk.share.left_out += size;
            let requirement = Requirement {
                digest: digest.clone(),
                size,
                media_type: None,
                repositories: known.repositories,
                base: self.bases.get(known.base).cloned().unwrap_or_default(),
            };
            self.collected.requires.entry(digest).or_insert(requirement);
            return;
        }
        let blobs = &mut self.collected.blobs;
        let number = match self.collected.blob_numbers.get(&digest) {
            Some(number) => {
                walk.share.shared += size;
                *number
            }
            None => {
                walk.share.new += size;
                self.collected
                    .blob_numbers
                    .insert(digest.clone(), blobs.len());
                blobs.push(NeededBlob {
                    digest,
                    size,
                    kind,
                    sources: Vec::new(),
                    paths: BTreeSet::new(),
                });
                blobs.len() - 1
            }
        };
        let blob = &mut blobs[number];
        blob.paths.insert(walk.path.clone());
        for source in walk.repository.sources() {
            if !blob.sources.contains(source) {
                blob.sources.push(source.clone());
            }
        }
    }

    fn unknown(&mut self, walk: &ImageWalk<'_>, digest: Digest, is_manifest: bool) {
        let content = UnknownContent {
            digest: digest.clone(),
            is_manifest,
            sources: walk.repository.sources().to_vec(),
        };
        self.collected.unknown.entry(digest).or_insert(content);
    }

    /// Returns the content of all visited images.
    ///
    /// # Errors
    ///
    /// [`PlanError::Unknown`].
    pub(super) fn finish(self) -> Result<Collected, PlanError> {
        let mut collected = self.collected;
        if !collected.unknown.is_empty() {
            let unknown = std::mem::take(&mut collected.unknown);
            return Err(PlanError::Unknown(unknown.into_values().collect()));
        }
        let (requires, numbers) = (&collected.requires, &collected.blob_numbers);
        let foreign = &mut collected.foreign;
        // The far side has it, so clients there need no publisher.
        foreign.retain(|digest, _| !requires.contains_key(digest));
        for (digest, layer) in foreign {
            layer.included = numbers.contains_key(digest);
        }
        for requirement in collected.requires.values_mut() {
            requirement
                .repositories
                .sort_by_key(image_name::RepositoryName::full);
        }
        Ok(collected)
    }
}

impl Collected {
    /// Returns true if the archive has a blob.
    pub(super) fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_numbers.contains_key(digest)
    }
}

fn child(descriptor: &Descriptor) -> Option<Visit> {
    let listed = descriptor.size().map(|size| ContentHead {
        media_type: descriptor.media_type().map(ToOwned::to_owned),
        size,
    });
    Some(Visit {
        digest: Digest::try_from(descriptor.digest()).ok()?,
        listed,
        is_child: true,
    })
}
