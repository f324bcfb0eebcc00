//! The copy of referrers, to the referrers API or to the tag schema.

use std::collections::HashSet;

use image_name::{Digest, DigestTagKind};
use registry_client::{Descriptor, ReferrerList, Referrers, Support, TagSchema};

use super::attached_copy::{AttachedCopy, SubjectCopy, warn_if_not_served};
use super::digest_tag_copy::not_overwritten;
use crate::attached_outcome::AddedAttached;
use crate::concurrently::{MANIFESTS, try_all};
use crate::image_copy::{Presence, RelatedManifest, Relation, digests_of};
use crate::listing_gaps::ListingGap;
use crate::lock::lock;
use crate::referrers_index;
use crate::report::RowError;
use crate::subject::{Subject, check_subject};

impl AttachedCopy<'_> {
    /// Copies the referrers of a subject that the row follows.
    pub(super) async fn copy_referrers_of(&self, copy: &SubjectCopy<'_>) -> Result<(), RowError> {
        let listed = self.source_referrers(copy).await?;
        self.image.size.add(&copy.subject.digest, listed.len())?;
        let (mut followed, mut added) = (Vec::new(), Vec::new());
        for descriptor in listed.iter() {
            let digest = Digest::try_from(descriptor.digest())?;
            let referrer = copy.approval.attached(DigestTagKind::Referrers, &digest);
            if copy.approval.is_added(&referrer) {
                added.push(referrer.clone());
            }
            if copy.approval.follows(&referrer) {
                followed.push(descriptor.clone());
            }
        }
        let present = self.copy_referrers(copy, &followed).await?;
        let at_destination: HashSet<&Digest> = present.iter().collect();
        let mut copied = lock(&copy.copied);
        for attached in added {
            let is_copied = at_destination.contains(&attached.digest);
            // A followed manifest that is not there has another subject: the row has a warning.
            if is_copied || !copy.approval.follows(&attached) {
                copied.outcome.added.push(AddedAttached {
                    attached,
                    copied: is_copied,
                });
            }
        }
        let attached = present.iter();
        let attached =
            attached.map(|digest| copy.approval.attached(DigestTagKind::Referrers, digest));
        copied.outcome.present.extend(attached);
        copied.referrers = present;
        Ok(())
    }

    /// Returns the referrers at the source, from the API or the tag schema. Without an approval to
    /// compare with, returns an empty list if the schema tag has the same digest on both sides.
    async fn source_referrers(&self, copy: &SubjectCopy<'_>) -> Result<ReferrerList, RowError> {
        let (image, subject) = (self.image, &copy.subject.digest);
        let what = format!("the referrers of {subject}");
        let lists = &image.engine.source_lists;
        match lists.referrers(image.source, subject).await {
            Ok(Referrers::Listed(list)) => return Ok(list),
            Ok(Referrers::Unsupported) => image.add_listing_gap(ListingGap::Referrers),
            Err(error) => {
                warn_if_not_served::<()>(image, Err(error), &what)?;
            }
        }
        if !self.tags.has_schema_tag(subject) {
            return Ok(ReferrerList::default());
        }
        if !copy.approval.is_compared() {
            let tag = subject.tag(DigestTagKind::Referrers);
            let (head, existing) = futures::join!(
                lists.head(image.source, &tag),
                image.destination.head_manifest(&tag)
            );
            match (warn_if_not_served(image, head, &what)?.flatten(), existing) {
                (Some(head), Ok(Some(existing))) if head.digest == existing.digest => {
                    return Ok(ReferrerList::default());
                }
                (None, _) => return Ok(ReferrerList::default()),
                _ => {}
            }
        }
        let listed = lists.referrers_by_tag(image.source, subject).await;
        Ok(warn_if_not_served(image, listed, &what)?.unwrap_or_default())
    }

    /// Copies the referrers that the destination lacks. Returns the referrers of the subject. Only
    /// manifests that the destination lacks are checked.
    async fn copy_referrers(
        &self,
        copy: &SubjectCopy<'_>,
        referrers: &[Descriptor],
    ) -> Result<Vec<Digest>, RowError> {
        if referrers.is_empty() {
            return Ok(Vec::new());
        }
        let destination = self.image.destination;
        let existing = match destination.referrers_support() {
            Support::Unknown => destination.referrers(&copy.subject.digest).await,
            Support::Yes => Ok(Referrers::Listed(ReferrerList::default())),
            Support::No => Ok(Referrers::Unsupported),
        };
        let existing = match existing {
            // The tag schema needs no list.
            Err(error) if error.is_not_served() => Ok(Referrers::Unsupported),
            existing => existing.map_err(RowError::Write),
        };
        match existing? {
            Referrers::Listed(existing) => {
                let missing = referrers_index::missing(referrers, &existing);
                let mut all = referrers_index::present(referrers, &existing);
                all.extend(self.copy_each(copy.subject, &missing).await?);
                digests_of(&all)
            }
            Referrers::Unsupported => self.copy_to_tag_schema(copy, referrers).await,
        }
    }

    /// Copies referrers to a destination without the referrers API, and adds them to the index
    /// of the tag schema.
    async fn copy_to_tag_schema(
        &self,
        copy: &SubjectCopy<'_>,
        referrers: &[Descriptor],
    ) -> Result<Vec<Digest>, RowError> {
        let digest = &copy.subject.digest;
        let existing = self.destination_schema(digest).await?;
        let listed = existing.listed();
        let missing = referrers_index::missing(referrers, listed);
        // The registry does not check the index, so the subject of each manifest is checked.
        let missing = self.referrers_among(digest, missing).await?;
        let mut all = referrers_index::present(referrers, listed);
        if missing.is_empty() || !self.plan_digest_tags(copy.subject).await? {
            return digests_of(&all);
        }
        if let Some(warning) = self.schema_refusal(digest, &existing) {
            copy.warn(warning);
            return digests_of(&all);
        }
        let copied = self.copy_each(copy.subject, &missing).await?;
        self.add_to_tag_schema(digest, &copied).await?;
        all.extend(copied);
        digests_of(&all)
    }

    async fn destination_schema(&self, subject: &Digest) -> Result<TagSchema, RowError> {
        let schema = self.image.destination.tag_schema(subject).await;
        schema.map_err(RowError::Write)
    }

    /// Returns the reason why the index of the tag schema is not written: the tag has content that
    /// is no such index.
    fn schema_refusal(&self, subject: &Digest, existing: &TagSchema) -> Option<String> {
        let TagSchema::Other(other) = existing else {
            return None;
        };
        if self.image.engine.digest_tag_writes.may_overwrite(self.row) {
            return None;
        }
        let tag = subject.tag(DigestTagKind::Referrers);
        let reason = format!("the destination has {other}, which is no list of referrers");
        Some(not_overwritten(&tag, &reason, subject))
    }

    /// Adds referrers to the index of the tag schema. Rows with the same subject take turns, so that
    /// none loses the entries of another.
    async fn add_to_tag_schema(
        &self,
        subject: &Digest,
        copied: &[Descriptor],
    ) -> Result<(), RowError> {
        let image = self.image;
        let key = (image.destination.path().clone(), subject.clone());
        let turn = image.registry.schema_turns.get_or_init(key, async || {
            std::sync::Arc::new(tokio::sync::Mutex::new(()))
        });
        let turn = turn.await;
        let _turn = turn.lock().await;
        let existing = self.destination_schema(subject).await?;
        let added = referrers_index::missing(copied, existing.listed());
        if added.is_empty() {
            return Ok(());
        }
        let index = referrers_index::with(existing.listed(), &added);
        let tag = subject.tag(DigestTagKind::Referrers);
        image.write_manifest(tag, &index).await
    }

    /// Returns the descriptors among `listed` whose manifests have the subject. A manifest that
    /// the source lacks is kept, so that its copy reports the error.
    async fn referrers_among(
        &self,
        subject: &Digest,
        listed: Vec<Descriptor>,
    ) -> Result<Vec<Descriptor>, RowError> {
        let mut found = Vec::new();
        for referrer in listed {
            let digest = Digest::try_from(referrer.digest())?;
            let manifest = self.image.source_manifest(&digest).await?;
            let checked = manifest.map(|manifest| check_subject(&manifest, subject));
            if self.is_referrer(checked.unwrap_or(Ok(())))? {
                found.push(referrer);
            }
        }
        Ok(found)
    }

    /// Copies referrers, and returns those that have the subject.
    async fn copy_each(
        &self,
        subject: &Subject,
        referrers: &[Descriptor],
    ) -> Result<Vec<Descriptor>, RowError> {
        let digest = &subject.digest;
        let copies = referrers.iter().map(|referrer| async move {
            let copied = self.image.copy_related(RelatedManifest {
                descriptor: referrer,
                parent: digest,
                relation: Relation::Referrer(subject),
                presence: Presence::Unknown,
                depth: 1,
            });
            let is_referrer = self.is_referrer(copied.await);
            let is_referrer = is_referrer.map_err(|error| RowError::Referrer {
                what: format!("the referrer {} of {digest}", referrer.digest()),
                error: Box::new(error),
            })?;
            Ok::<_, RowError>(is_referrer.then(|| referrer.clone()))
        });
        let copied = try_all(MANIFESTS, copies).await?;
        Ok(copied.into_iter().flatten().collect())
    }
}
