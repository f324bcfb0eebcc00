//! The writes that a run may send.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use image_name::{Digest, DigestTagKind, ManifestReference, RepositoryPath, Tag};
use registry_client::{Repository, Write, WritePolicy, WriteTarget};

use crate::lock::lock;
use crate::row::DestinationSettings;

/// The writes that a run may send: to the repositories that rows name, and of their tags only
/// those that rows name or that belong to an image of a row. Repositories are created and described
/// where the settings of a row's destination permit it.
///
/// The plan is made from the rows before the first write. The client checks each write against
/// it, so text from a registry cannot cause any other.
#[derive(Debug, Default)]
pub struct WritePlan {
    /// By host and path.
    repositories: HashMap<(String, RepositoryPath), RepositoryPlan>,
}

#[derive(Debug, Default)]
struct RepositoryPlan {
    /// The tags that rows name.
    tags: HashSet<Tag>,
    /// The `TAG-ARCH` tags beside them may be written.
    arch_tags: bool,
    /// The repository may be created through its vendor's API.
    creation: bool,
    /// The repository may be described at its vendor's API.
    description: bool,
    /// The tags about digests of the rows' images, added when the images are read.
    digest_tags: Mutex<HashSet<Tag>>,
}

impl WritePlan {
    /// Adds the destination of a row. A row by digest names no tag.
    pub fn add(
        &mut self,
        destination: &Repository,
        reference: &ManifestReference,
        arch_tags: bool,
    ) {
        let key = (
            destination.host_name().to_owned(),
            destination.path().clone(),
        );
        let repository = self.repositories.entry(key).or_default();
        repository.tags.extend(reference.tag().cloned());
        repository.arch_tags |= arch_tags;
    }

    /// Adds the creation and the description of the destination of a row.
    pub fn add_settings(&mut self, destination: &Repository, settings: &DestinationSettings) {
        let key = (
            destination.host_name().to_owned(),
            destination.path().clone(),
        );
        let repository = self.repositories.entry(key).or_default();
        repository.creation |= settings.creation.is_some();
        repository.description |= settings.description.is_some();
    }

    /// Adds the tags about a digest that belongs to an image of a row: a manifest of the image
    /// itself, or one that has such a manifest as its subject. A repository that no row names gets
    /// none.
    pub fn add_digest_tags(&self, destination: &Repository, subject: &Digest) {
        let key = (
            destination.host_name().to_owned(),
            destination.path().clone(),
        );
        if let Some(repository) = self.repositories.get(&key) {
            let mut tags = lock(&repository.digest_tags);
            tags.insert(subject.tag(DigestTagKind::Referrers));
            tags.extend(DigestTagKind::COSIGN.map(|kind| subject.tag(kind)));
        }
    }
}

impl WritePolicy for WritePlan {
    fn allows(&self, write: &Write<'_>) -> bool {
        let key = (write.host.to_owned(), write.repository.clone());
        let Some(repository) = self.repositories.get(&key) else {
            return false;
        };
        match &write.target {
            WriteTarget::Blob | WriteTarget::Manifest(ManifestReference::Digest(_)) => true,
            WriteTarget::Manifest(ManifestReference::Tag(tag)) => repository.allows_tag(tag),
            WriteTarget::Repository => repository.creation,
            WriteTarget::Description => repository.description,
            _ => false,
        }
    }
}

impl RepositoryPlan {
    fn allows_tag(&self, tag: &Tag) -> bool {
        let names = |base: &str| self.tags.iter().any(|tag| tag.as_str() == base);
        let is_arch_tag = || tag.without_architecture().any(names);
        let is_digest_tag = || lock(&self.digest_tags).contains(tag);
        self.tags.contains(tag) || is_digest_tag() || (self.arch_tags && is_arch_tag())
    }
}
