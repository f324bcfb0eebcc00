//! The facts about a repository that are known before the first request.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, ManifestReference, RepositoryName, Tag};
use images_list::ApprovedDigest;
use prune_plan::{Former, KeptBy, Removal, RepositoryFacts};

/// The facts about a repository that are known before the first request.
#[derive(Debug, Clone)]
pub(super) struct KnownRepository {
    /// The name, as the engine contacts it.
    pub(super) name: RepositoryName,
    /// The tags that rows write.
    pub(super) kept_tags: HashSet<Tag>,
    /// The tags that other rows may write.
    pub(super) kept_by: HashMap<Tag, KeptBy>,
    /// The digests that rows, pins or lock lines name.
    pub(super) kept_digests: HashSet<Digest>,
    /// The rows by digest, which write no tag.
    pub(super) rows_by_digest: HashMap<Digest, RowByDigest>,
    /// The tags in use.
    pub(super) used_tags: HashSet<Tag>,
    /// The digests of images of this repository in use.
    pub(super) used_digests: HashSet<Digest>,
    /// The ends of former rows, by tag.
    pub(super) removals: HashMap<Tag, Removal>,
    /// The digests that the mirror has written, by tag.
    pub(super) written: HashMap<Tag, HashSet<Digest>>,
    /// The tags whose rows stood for a short time only.
    brief: HashSet<Tag>,
}

/// A row that writes a digest, and no tag.
#[derive(Debug, Clone, Default)]
pub(super) struct RowByDigest {
    /// The target of the row has platforms.
    pub(super) is_narrowed: bool,
    /// The digests of its content at the mirror, by reports.
    pub(super) written: HashSet<Digest>,
}

impl KnownRepository {
    pub(super) fn new(name: RepositoryName) -> Self {
        Self {
            name,
            kept_tags: HashSet::new(),
            kept_by: HashMap::new(),
            kept_digests: HashSet::new(),
            rows_by_digest: HashMap::new(),
            used_tags: HashSet::new(),
            used_digests: HashSet::new(),
            removals: HashMap::new(),
            written: HashMap::new(),
            brief: HashSet::new(),
        }
    }

    /// Keeps the tag or the digest that a row writes. Platforms may narrow the row.
    pub(super) fn keep(&mut self, reference: &ManifestReference, is_narrowed: bool) {
        match reference {
            ManifestReference::Tag(tag) => drop(self.kept_tags.insert(tag.clone())),
            ManifestReference::Digest(digest) => {
                self.kept_digests.insert(digest.clone());
                let row = self.rows_by_digest.entry(digest.clone()).or_default();
                row.is_narrowed |= is_narrowed;
            }
        }
    }

    /// Records the digest of the content of a row by digest, from a report.
    pub(super) fn wrote_by_digest(&mut self, row: &Digest, written: &Digest) {
        if let Some(row) = self.rows_by_digest.get_mut(row) {
            row.written.insert(written.clone());
            self.kept_digests.insert(written.clone());
        }
    }

    /// Keeps what a line of a lock names.
    pub(super) fn keep_approved(&mut self, approved: &ApprovedDigest) {
        self.kept_digests.insert(approved.digest().clone());
        let attached = approved.attached().into_iter();
        let attached = attached.flat_map(|attached| attached.approved());
        let attached = attached.map(|attached| attached.digest);
        self.kept_digests.extend(attached);
    }

    /// Returns true if a row writes to the repository.
    pub(super) fn is_kept(&self) -> bool {
        !self.kept_tags.is_empty() || !self.rows_by_digest.is_empty()
    }

    /// Keeps what is kept or used under another name of the repository.
    pub(super) fn keep_all_of(&mut self, other: &Self) {
        self.kept_tags.extend(other.kept_tags.iter().cloned());
        self.keep_content_of(other);
    }

    /// Keeps what is kept or used in a repository that may be this one under another name.
    pub(super) fn keep_as_other_name(&mut self, other: &Self) {
        let by = KeptBy::OtherName(other.name.full());
        let tags = other.kept_tags.iter().cloned();
        self.kept_by.extend(tags.map(|tag| (tag, by.clone())));
        self.keep_content_of(other);
    }

    fn keep_content_of(&mut self, other: &Self) {
        self.kept_digests.extend(other.kept_digests.iter().cloned());
        for (digest, row) in &other.rows_by_digest {
            let known = self.rows_by_digest.entry(digest.clone()).or_default();
            known.is_narrowed |= row.is_narrowed;
            known.written.extend(row.written.iter().cloned());
        }
        self.used_tags.extend(other.used_tags.iter().cloned());
        self.used_digests.extend(other.used_digests.iter().cloned());
        let kept_by = other.kept_by.iter();
        let kept_by = kept_by.map(|(tag, by)| (tag.clone(), by.clone()));
        self.kept_by.extend(kept_by);
    }

    /// Drops what locks say about a tag whose rows stood for a short time only.
    pub(super) fn doubt(&mut self, tag: &Tag) {
        self.written.remove(tag);
        self.brief.insert(tag.clone());
    }

    /// Returns the tags that must be listed if they exist.
    pub(super) fn needed_tags(&self) -> impl Iterator<Item = &Tag> {
        let rows = self.kept_tags.iter().chain(self.kept_by.keys());
        rows.chain(&self.used_tags)
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
                is_brief: self.brief.contains(tag),
            };
            (tag.clone(), former)
        });
        RepositoryFacts {
            kept_tags: self.kept_tags.clone(),
            kept_by: self.kept_by.clone(),
            kept_digests: self.kept_digests.clone(),
            used_tags: self.used_tags.clone(),
            used_digests: used_digests.clone(),
            former: former.collect(),
            ..RepositoryFacts::default()
        }
    }
}
