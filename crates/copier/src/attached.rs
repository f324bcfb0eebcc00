//! What is attached to an image: referrers and digest tags.
//!
//! Sources: distribution specification, "Listing Referrers", "Referrers Tag
//! Schema"; cosign, "Signature Specification" (digest tags).

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::try_join_all;
use image_name::{Digest, DigestTagKind, Tag};
use oci_spec::image::Descriptor;
use registry_client::{Content, Error, Referrers, Support, is_index_type};

use crate::digest_tags::DigestTags;
use crate::engine::ImageCopy;
use crate::images::{AtDestination, Relation, digests_of};
use crate::listing_gaps::ListingGap;
use crate::referrers_index;
use crate::report::RowError;
use crate::subject::{Subject, check_subject};

/// Signatures of signatures of signatures: deeper is no signature any more.
const DEPTH: usize = 4;

impl ImageCopy<'_> {
    /// Copies what is attached to an image and to the children of an index.
    /// An image that was rebuilt has no `root` that anything could refer to.
    ///
    /// What may not be listed (401, 403) becomes a warning of the row.
    ///
    /// # Errors
    ///
    /// [`RowError::Referrer`] where something exists but cannot be copied.
    pub(crate) async fn copy_attached(
        &self,
        root: Option<&Digest>,
        children: Children<'_>,
    ) -> Result<(), RowError> {
        let tags = self.digest_tags().await?;
        if let Some(root) = root {
            self.copy_attached_to(std::slice::from_ref(root), &tags)
                .await?;
        }
        if tags.is_empty() && self.source.referrers_support() == Support::No {
            return Ok(());
        }
        match children {
            Children::Known(digests) => self.copy_attached_to(digests, &tags).await,
            Children::AtTarget(index) => {
                let digests = self.children_at_target(index).await?;
                self.copy_attached_to(&digests, &tags).await
            }
            Children::None => Ok(()),
        }
    }

    /// Copies what is attached to manifests of the row's image, and what is attached to that in
    /// turn, level by level.
    ///
    /// A manifest is visited once: a list of referrers may name its own subject, or lead back to
    /// it. Two rows may meet the same manifests in another order, so the step of one manifest
    /// never waits for that of another.
    async fn copy_attached_to(
        &self,
        subjects: &[Digest],
        tags: &DigestTags,
    ) -> Result<(), RowError> {
        let own = subjects.iter().cloned();
        let mut level: Vec<Subject> = own
            .map(|digest| Subject {
                digest,
                refers_to: None,
            })
            .collect();
        let mut visited: HashSet<Digest> = subjects.iter().cloned().collect();
        for _ in 0..=DEPTH {
            let steps = level.iter().map(|subject| async move {
                let referrers = self.copy_directly_attached(subject, tags).await?;
                Ok::<_, RowError>((subject, referrers))
            });
            let mut deeper = Vec::new();
            for (subject, referrers) in try_join_all(steps).await? {
                for referrer in referrers.iter() {
                    if visited.insert(referrer.clone()) {
                        deeper.push(Subject {
                            digest: referrer.clone(),
                            refers_to: Some(subject.digest.clone()),
                        });
                    }
                }
            }
            if deeper.is_empty() {
                return Ok(());
            }
            level = deeper;
        }
        self.warn(format!(
            "referrers of referrers are copied {DEPTH} levels deep; those of {} and deeper are left out",
            level[0].digest
        ));
        Ok(())
    }

    /// One tag listing for each source repository.
    async fn digest_tags(&self) -> Result<Arc<DigestTags>, RowError> {
        let ask = || async {
            let tags = self.source.tags().await?;
            Ok(Arc::new(
                tags.map_or_else(DigestTags::denied, DigestTags::among),
            ))
        };
        let listed = self
            .engine
            .digest_tags
            .get_or_init(self.source.to_string(), ask)
            .await;
        let tags = self.listed(listed, "the tags of the source")?;
        if tags.is_denied() {
            self.add_listing_gap(ListingGap::Tags);
        }
        if let Some(warning) = tags.warning() {
            self.warn(warning.clone());
        }
        Ok(tags)
    }

    /// A list that may not be read is a warning and counts as empty.
    fn listed<T: Default>(&self, list: Result<T, Error>, what: &str) -> Result<T, RowError> {
        match list {
            Ok(list) => Ok(list),
            Err(error) if error.is_refused() => {
                self.warn(format!("{what} may not be listed, so signatures and other referrers may be missing: {error}"));
                Ok(T::default())
            }
            Err(error) => Err(RowError::Referrer {
                what: what.to_owned(),
                error: Box::new(RowError::Read(error)),
            }),
        }
    }

    /// The children of an index that is at the target, nested ones included;
    /// read once however many tags of a repository name it.
    async fn children_at_target(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let key = (self.target_name.clone(), root.clone());
        let read = || self.read_children_at_target(root);
        self.destination.children.get_or_try_init(key, read).await
    }

    async fn read_children_at_target(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let mut found = Vec::new();
        let mut indexes = vec![root.clone()];
        while let Some(index) = indexes.pop() {
            let manifest = self
                .target
                .manifest(&index)
                .await
                .map_err(RowError::Write)?;
            let content = manifest.and_then(|manifest| manifest.content().ok());
            let Some(Content::Index { manifests, .. }) = content else {
                continue;
            };
            for child in manifests {
                let digest = Digest::try_from(child.digest())?;
                if is_index_type(child.media_type().as_ref()) && !found.contains(&digest) {
                    indexes.push(digest.clone());
                }
                found.push(digest);
            }
        }
        Ok(found)
    }

    /// Copies the referrers and digest tags of one manifest, once for each source and target
    /// however many rows have it, and returns the referrers.
    async fn copy_directly_attached(
        &self,
        subject: &Subject,
        tags: &DigestTags,
    ) -> Result<Arc<[Digest]>, RowError> {
        let digest = &subject.digest;
        let key = (
            self.source.to_string(),
            self.target_name.clone(),
            digest.clone(),
        );
        let copy = || async {
            for tag in tags.of_cosign(digest) {
                let copied = self.copy_digest_tag(subject, &tag).await;
                copied.map_err(|error| RowError::Referrer {
                    what: format!("the tag {tag}"),
                    error: Box::new(error),
                })?;
            }
            if let Some(warning) = tags.unknown_warning(digest) {
                self.warn(warning);
            }
            let referrers = self.source_referrers(digest, tags).await?;
            let copied = self.copy_referrers(subject, &referrers).await?;
            Ok(Arc::from(copied))
        };
        self.destination.attached.get_or_try_init(key, copy).await
    }

    /// Adds the tags about a subject to the plan of the run, and returns whether they may be
    /// written.
    async fn plan_digest_tags(&self, subject: &Subject) -> Result<bool, RowError> {
        let attached = self.is_referrer(self.check_attached(subject).await)?;
        if attached {
            let plan = &self.engine.plan;
            plan.add_digest_tags(self.target, &subject.digest);
        }
        Ok(attached)
    }

    /// Whether a check found a referrer of its subject. One of another subject is reported and
    /// left out.
    fn is_referrer(&self, checked: Result<(), RowError>) -> Result<bool, RowError> {
        match checked {
            Err(error @ RowError::SubjectMismatch(_)) => {
                self.warn(format!("{error}; it is left out"));
                Ok(false)
            }
            checked => checked.map(|()| true),
        }
    }

    /// Copies a tag that is named after a digest, where the target has other
    /// content under it or none.
    async fn copy_digest_tag(&self, subject: &Subject, tag: &Tag) -> Result<(), RowError> {
        let (here, there) = futures::join!(
            self.source.head_manifest(tag),
            self.target.head_manifest(tag)
        );
        let Some(here) = here.map_err(RowError::Read)? else {
            return Ok(());
        };
        let there = there.map_err(RowError::Write)?;
        if there.is_some_and(|there| there.digest == here.digest) {
            return Ok(());
        }
        let Some(manifest) = self.source_manifest(&here.digest).await? else {
            return Ok(());
        };
        if !self.plan_digest_tags(subject).await? {
            return Ok(());
        }
        self.ensure_contents(&manifest, None, AtDestination::Unknown, 0)
            .await?;
        self.put(tag, &manifest).await
    }

    /// The referrers at the source, by the API or by the tag schema. Nothing
    /// where the schema's tag is the same on both sides.
    async fn source_referrers(
        &self,
        subject: &Digest,
        tags: &DigestTags,
    ) -> Result<Vec<Descriptor>, RowError> {
        let what = format!("the referrers of {subject}");
        // Other destinations of the same image need them too.
        let key = (self.source.to_string(), subject.clone());
        let ask = || self.source.referrers(subject);
        match self.engine.referrers.get_or_init(key, ask).await {
            Ok(Referrers::Listed(list)) => return Ok(list),
            Ok(Referrers::Unsupported) => self.add_listing_gap(ListingGap::Referrers),
            Err(error) => return self.listed(Err(error), &what),
        }
        if !tags.has_schema_tag(subject) {
            return Ok(Vec::new());
        }
        let tag = subject.tag(DigestTagKind::Referrers);
        let (here, there) = futures::join!(
            self.source.head_manifest(&tag),
            self.target.head_manifest(&tag)
        );
        match (self.listed(here, &what)?, there) {
            (Some(here), Ok(Some(there))) if here.digest == there.digest => Ok(Vec::new()),
            _ => self.listed(self.source.referrers_by_tag(subject).await, &what),
        }
    }

    /// Copies referrers that the target lacks, and returns those that are referrers of the
    /// subject as far as they were read.
    async fn copy_referrers(
        &self,
        subject: &Subject,
        referrers: &[Descriptor],
    ) -> Result<Vec<Digest>, RowError> {
        if referrers.is_empty() {
            return Ok(Vec::new());
        }
        let digest = &subject.digest;
        let known = match self.target.referrers_support() {
            Support::Unknown => self
                .target
                .referrers(digest)
                .await
                .map_err(RowError::Write)?,
            Support::Yes => Referrers::Listed(Vec::new()),
            Support::No => Referrers::Unsupported,
        };
        match known {
            Referrers::Listed(known) => {
                let missing = referrers_index::missing(referrers, &known);
                let mut all = referrers_index::present(referrers, &known);
                all.extend(self.copy_each(subject, &missing).await?);
                digests_of(&all)
            }
            Referrers::Unsupported => {
                let known = self
                    .target
                    .referrers_by_tag(digest)
                    .await
                    .map_err(RowError::Write)?;
                let missing = referrers_index::missing(referrers, &known);
                // Here the index alone says what refers to the subject, so each has to show it.
                let missing = self.referrers_among(digest, missing).await?;
                if missing.is_empty() || !self.plan_digest_tags(subject).await? {
                    return digests_of(referrers_index::present(referrers, &known).as_slice());
                }
                let copied = self.copy_each(subject, &missing).await?;
                let index = referrers_index::with(&known, &copied);
                self.put(digest.tag(DigestTagKind::Referrers), &index)
                    .await?;
                let mut all = referrers_index::present(referrers, &known);
                all.extend(copied);
                digests_of(&all)
            }
        }
    }

    /// The descriptors among `listed` whose manifests at the source refer to the subject. One
    /// that the source lacks stays, for its copy to fail.
    async fn referrers_among(
        &self,
        subject: &Digest,
        listed: Vec<Descriptor>,
    ) -> Result<Vec<Descriptor>, RowError> {
        let mut found = Vec::new();
        for referrer in listed {
            let digest = Digest::try_from(referrer.digest())?;
            let manifest = self.source_manifest(&digest).await?;
            let checked = manifest.map(|manifest| check_subject(&manifest, subject));
            if self.is_referrer(checked.unwrap_or(Ok(())))? {
                found.push(referrer);
            }
        }
        Ok(found)
    }

    /// Copies referrers, and returns those that are referrers of the subject.
    async fn copy_each(
        &self,
        subject: &Subject,
        referrers: &[Descriptor],
    ) -> Result<Vec<Descriptor>, RowError> {
        let digest = &subject.digest;
        let copies = referrers.iter().map(|referrer| async move {
            let relation = Relation::Referrer(subject);
            let copied = self
                .ensure_child(digest, referrer, relation, AtDestination::Unknown, 1)
                .await;
            let copied = self.is_referrer(copied);
            let is_referrer = copied.map_err(|error| RowError::Referrer {
                what: format!("the referrer {} of {digest}", referrer.digest()),
                error: Box::new(error),
            })?;
            Ok::<_, RowError>(is_referrer.then(|| referrer.clone()))
        });
        let copied = try_join_all(copies).await?;
        Ok(copied.into_iter().flatten().collect())
    }
}

/// Where the children of an image are known from.
#[derive(Debug)]
pub(crate) enum Children<'a> {
    /// They were just copied.
    Known(&'a [Digest]),
    /// The image was there already: its index is read at the target.
    AtTarget(&'a Digest),
    /// The image is no index.
    None,
}
