//! The facts about a repository that are known before the first request.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, ManifestReference, RepositoryName, Tag};
use prune_plan::{Former, Removal, RepositoryFacts};

/// The facts about a repository that are known before the first request.
#[derive(Debug, Clone)]
pub(super) struct KnownRepository {
    /// The name, as the engine contacts it.
    pub(super) name: RepositoryName,
    /// The tags that rows write.
    pub(super) kept_tags: HashSet<Tag>,
    /// The digests that rows, pins or lock lines name.
    pub(super) kept_digests: HashSet<Digest>,
    /// The tags in use.
    pub(super) used_tags: HashSet<Tag>,
    /// The digests of images of this repository in use.
    pub(super) used_digests: HashSet<Digest>,
    /// The ends of former rows, by tag.
    pub(super) removals: HashMap<Tag, Removal>,
    /// The digests that the mirror has written, by tag.
    pub(super) written: HashMap<Tag, HashSet<Digest>>,
}

impl KnownRepository {
    pub(super) fn new(name: RepositoryName) -> Self {
        Self {
            name,
            kept_tags: HashSet::new(),
            kept_digests: HashSet::new(),
            used_tags: HashSet::new(),
            used_digests: HashSet::new(),
            removals: HashMap::new(),
            written: HashMap::new(),
        }
    }

    /// Keeps the tag or the digest that a row writes.
    pub(super) fn keep(&mut self, reference: &ManifestReference) {
        match reference {
            ManifestReference::Tag(tag) => drop(self.kept_tags.insert(tag.clone())),
            ManifestReference::Digest(digest) => drop(self.kept_digests.insert(digest.clone())),
        }
    }

    /// Keeps what is kept or used under another name of the repository.
    pub(super) fn keep_all_of(&mut self, other: &Self) {
        self.kept_tags.extend(other.kept_tags.iter().cloned());
        self.kept_digests.extend(other.kept_digests.iter().cloned());
        self.used_tags.extend(other.used_tags.iter().cloned());
        self.used_digests.extend(other.used_digests.iter().cloned());
    }

    /// Records the end of a row. The first recorded one is the best known.
    pub(super) fn end(&mut self, tag: &Tag, removal: Removal) {
        self.removals.entry(tag.clone()).or_insert(removal);
    }

    /// Records an image that the mirror has written.
    pub(super) fn wrote(&mut self, tag: &Tag, digest: &Digest) {
        let digests = self.written.entry(tag.clone()).or_default();
        digests.insert(digest.clone());
    }

    /// Returns true if a tag may be a candidate: no row writes it, and a row wrote it or its base.
    pub(super) fn may_go(&self, tag: &Tag, foreign: bool) -> bool {
        let is_former = |text: &str| {
            let base: Option<Tag> = text.parse().ok();
            base.is_some_and(|base| self.removals.contains_key(&base))
        };
        !self.kept_tags.contains(tag)
            && (foreign
                || self.removals.contains_key(tag)
                || tag.without_architecture().any(is_former))
    }

    /// Returns the manifests to read even if no tag leads to them: those that rows, lock lines and uses name,
    /// and the images under former tags whose children may have `TAG-ARCH` tags.
    pub(super) fn needed_digests<'a>(
        &self,
        tags: impl Iterator<Item = &'a Tag>,
    ) -> HashSet<Digest> {
        let bases = tags.flat_map(Tag::without_architecture);
        let bases = bases.filter_map(|base| base.parse::<Tag>().ok());
        let bases = bases.filter(|base| self.removals.contains_key(base));
        let written: HashSet<Digest> = bases
            .filter_map(|base| self.written.get(&base))
            .flatten()
            .cloned()
            .collect();
        let named = self.kept_digests.iter().chain(&self.used_digests);
        named.cloned().chain(written).collect()
    }

    /// Returns the facts for a plan, without those of the registry.
    pub(super) fn facts(&self, used_digests: &HashSet<Digest>) -> RepositoryFacts {
        let former = self.removals.iter().map(|(tag, removal)| {
            let former = Former {
                removal: removal.clone(),
                written: self.written.get(tag).cloned().unwrap_or_default(),
            };
            (tag.clone(), former)
        });
        RepositoryFacts {
            kept_tags: self.kept_tags.clone(),
            kept_digests: self.kept_digests.clone(),
            used_tags: self.used_tags.clone(),
            used_digests: used_digests.clone(),
            former: former.collect(),
            ..RepositoryFacts::default()
        }
    }
}
