//! Content attached to an image: referrers and digest tags.
//!
//! Sources: distribution specification, "Listing Referrers", "Referrers Tag Schema"; cosign,
//! "Signature Specification" (digest tags).

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::try_join_all;
use image_name::{Digest, DigestTagKind, Tag};
use registry_client::{Content, Descriptor, Error, Referrers, Support};

use crate::digest_tags::DigestTags;
use crate::image_copy::{ImageCopy, Presence, RelatedManifest, Relation, digests_of};
use crate::listing_gaps::ListingGap;
use crate::referrers_index;
use crate::report::RowError;
use crate::selected_image::SelectedImage;
use crate::subject::{Subject, check_subject};

/// Maximum levels of referrers of referrers, such as the signature of a signature.
const MAX_DEPTH: usize = 4;

/// The children of an image, or the index that lists them.
#[derive(Debug)]
pub(crate) enum Children<'a> {
    /// The digests of the children; none for an image that is not an index.
    Known(Vec<Digest>),
    /// The children of an index, which is read at the destination.
    OfIndex(&'a Digest),
}

impl<'a> Children<'a> {
    /// Returns the children of an image that was just copied.
    pub(crate) fn from_selected(selected: &'a SelectedImage) -> Result<Self, RowError> {
        let children = selected.children.as_deref().unwrap_or_default();
        if children.iter().any(Descriptor::may_be_index) {
            return Ok(Self::OfIndex(&selected.root.digest));
        }
        digests_of(children).map(Self::Known)
    }
}

/// The copy of everything attached to one image.
///
/// If the source denies a list (401, 403), the row gets a warning.
#[derive(Debug)]
pub(crate) struct AttachedCopy<'a> {
    image: &'a ImageCopy<'a>,
    /// The digest tags of the source repository.
    tags: Arc<DigestTags>,
}

impl<'a> AttachedCopy<'a> {
    /// Lists the digest tags of the source, once for each source repository.
    pub(crate) async fn new(image: &'a ImageCopy<'a>) -> Result<Self, RowError> {
        let list = || async {
            let tags = image.source.tags().await?;
            let tags = tags.map_or_else(DigestTags::not_listed, DigestTags::from_list);
            Ok(Arc::new(tags))
        };
        let all = &image.engine.digest_tags;
        let listed = all.get_or_init(image.source.to_string(), list).await;
        let tags = warn_if_denied(image, listed, "the tags of the source")?;
        if tags.is_not_listed() {
            image.add_listing_gap(ListingGap::Tags);
        }
        if let Some(warning) = tags.warning() {
            image.warn(warning.clone());
        }
        Ok(Self { image, tags })
    }

    /// Copies the content attached to an image and to the children of an index. A rebuilt index
    /// has no `root` that a referrer could refer to.
    ///
    /// # Errors
    ///
    /// [`RowError::Referrer`] if the source has content that cannot be copied.
    pub(crate) async fn run(
        &self,
        root: Option<&Digest>,
        children: Children<'_>,
    ) -> Result<(), RowError> {
        if let Some(root) = root {
            self.copy_attached_to(std::slice::from_ref(root)).await?;
        }
        if self.tags.is_empty() && self.image.source.referrers_support() == Support::No {
            return Ok(());
        }
        let children = match children {
            Children::Known(digests) => digests,
            Children::OfIndex(index) => self.destination_children(index).await?,
        };
        self.copy_attached_to(&children).await
    }

    /// Copies the content attached to manifests of the row's image, then the content attached to
    /// that, level by level.
    ///
    /// Each manifest is visited once, since referrers may form a cycle. Rows may visit the same
    /// manifests in different orders, so no manifest waits for another.
    async fn copy_attached_to(&self, manifests: &[Digest]) -> Result<(), RowError> {
        let roots = manifests.iter().cloned().map(|digest| Subject {
            digest,
            refers_to: None,
        });
        let mut level: Vec<Subject> = roots.collect();
        let mut visited: HashSet<Digest> = manifests.iter().cloned().collect();
        for _ in 0..=MAX_DEPTH {
            let steps = level.iter().map(|subject| async move {
                let referrers = self.copy_directly_attached(subject).await?;
                Ok::<_, RowError>((subject, referrers))
            });
            let mut next_level = Vec::new();
            for (subject, referrers) in try_join_all(steps).await? {
                for referrer in referrers.iter() {
                    if visited.insert(referrer.clone()) {
                        next_level.push(Subject {
                            digest: referrer.clone(),
                            refers_to: Some(subject.digest.clone()),
                        });
                    }
                }
            }
            if next_level.is_empty() {
                return Ok(());
            }
            level = next_level;
        }
        self.image.warn(format!(
            "referrers of {} are not copied: nested more than {MAX_DEPTH} levels deep",
            level[0].digest
        ));
        Ok(())
    }

    /// Returns the children of an index at the destination, nested ones included. The index is
    /// read once for all tags of a repository.
    async fn destination_children(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let key = (self.image.destination.path().clone(), root.clone());
        let read = || self.read_destination_children(root);
        let children = &self.image.registry.children;
        children.get_or_try_init(key, read).await
    }

    async fn read_destination_children(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let mut found = Vec::new();
        let mut indexes = vec![root.clone()];
        while let Some(index) = indexes.pop() {
            let manifest = self.image.destination.manifest(&index).await;
            let manifest = manifest.map_err(RowError::Write)?;
            let content = manifest.and_then(|manifest| manifest.content().ok());
            let Some(Content::Index { manifests, .. }) = content else {
                continue;
            };
            for child in manifests {
                let digest = Digest::try_from(child.digest())?;
                if child.may_be_index() && !found.contains(&digest) {
                    indexes.push(digest.clone());
                }
                found.push(digest);
            }
        }
        Ok(found)
    }

    /// Copies the referrers and digest tags of one manifest, once for each source and
    /// destination, and returns the referrers.
    async fn copy_directly_attached(&self, subject: &Subject) -> Result<Arc<[Digest]>, RowError> {
        let (image, digest) = (self.image, &subject.digest);
        let key = (
            image.source.to_string(),
            image.destination.path().clone(),
            digest.clone(),
        );
        let copy = || async {
            for tag in self.tags.cosign_tags(digest) {
                let copied = self.copy_digest_tag(subject, &tag).await;
                copied.map_err(|error| RowError::Referrer {
                    what: format!("the tag {tag}"),
                    error: Box::new(error),
                })?;
            }
            if let Some(warning) = self.tags.unknown_warning(digest) {
                image.warn(warning);
            }
            let referrers = self.source_referrers(digest).await?;
            let copied = self.copy_referrers(subject, &referrers).await?;
            Ok(Arc::from(copied))
        };
        image.registry.attached.get_or_try_init(key, copy).await
    }

    /// Adds the tags about a subject to the write plan of the run. Returns false if the subject
    /// does not belong to the row's image.
    async fn plan_digest_tags(&self, subject: &Subject) -> Result<bool, RowError> {
        let is_attached = self.is_referrer(self.image.check_attached(subject).await)?;
        if is_attached {
            let plan = &self.image.engine.plan;
            plan.add_digest_tags(self.image.destination, &subject.digest);
        }
        Ok(is_attached)
    }

    /// Returns false, with a warning, for a manifest that has another subject.
    fn is_referrer(&self, checked: Result<(), RowError>) -> Result<bool, RowError> {
        match checked {
            Err(error @ RowError::SubjectMismatch(_)) => {
                self.image
                    .warn(format!("{error}; the referrer is not copied"));
                Ok(false)
            }
            checked => checked.map(|()| true),
        }
    }

    /// Copies a digest tag, unless the destination has the same content under it.
    async fn copy_digest_tag(&self, subject: &Subject, tag: &Tag) -> Result<(), RowError> {
        let image = self.image;
        let (head, existing) = futures::join!(
            image.source.head_manifest(tag),
            image.destination.head_manifest(tag)
        );
        let Some(head) = head.map_err(RowError::Read)? else {
            return Ok(());
        };
        let existing = existing.map_err(RowError::Write)?;
        if existing.is_some_and(|existing| existing.digest == head.digest) {
            return Ok(());
        }
        let manifest = image.source_manifest_of_tag(tag, &head.digest).await?;
        let Some(manifest) = manifest else {
            return Ok(());
        };
        if !self.plan_digest_tags(subject).await? {
            return Ok(());
        }
        image
            .copy_contents(&manifest, None, Presence::Unknown, 0)
            .await?;
        image.write_manifest(tag, &manifest).await
    }

    /// Returns the referrers at the source, from the API or the tag schema. Returns an empty
    /// list if the schema tag has the same digest on both sides.
    async fn source_referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, RowError> {
        let image = self.image;
        let what = format!("the referrers of {subject}");
        // Other destinations of the same image need them too.
        let key = (image.source.to_string(), subject.clone());
        let list = || image.source.referrers(subject);
        match image.engine.referrers.get_or_init(key, list).await {
            Ok(Referrers::Listed(list)) => return Ok(list),
            Ok(Referrers::Unsupported) => image.add_listing_gap(ListingGap::Referrers),
            Err(error) => return warn_if_denied(image, Err(error), &what),
        }
        if !self.tags.has_schema_tag(subject) {
            return Ok(Vec::new());
        }
        let tag = subject.tag(DigestTagKind::Referrers);
        let (head, existing) = futures::join!(
            image.source.head_manifest(&tag),
            image.destination.head_manifest(&tag)
        );
        match (warn_if_denied(image, head, &what)?, existing) {
            (Some(head), Ok(Some(existing))) if head.digest == existing.digest => Ok(Vec::new()),
            _ => {
                let listed = image.source.referrers_by_tag(subject).await;
                warn_if_denied(image, listed, &what)
            }
        }
    }

    /// Copies the referrers that the destination lacks. Returns the referrers of the subject. Only
    /// manifests that the destination lacks are checked.
    async fn copy_referrers(
        &self,
        subject: &Subject,
        referrers: &[Descriptor],
    ) -> Result<Vec<Digest>, RowError> {
        if referrers.is_empty() {
            return Ok(Vec::new());
        }
        let destination = self.image.destination;
        let existing = match destination.referrers_support() {
            Support::Unknown => destination.referrers(&subject.digest).await,
            Support::Yes => Ok(Referrers::Listed(Vec::new())),
            Support::No => Ok(Referrers::Unsupported),
        };
        match existing.map_err(RowError::Write)? {
            Referrers::Listed(existing) => {
                let missing = referrers_index::missing(referrers, &existing);
                let mut all = referrers_index::present(referrers, &existing);
                all.extend(self.copy_each(subject, &missing).await?);
                digests_of(&all)
            }
            Referrers::Unsupported => self.copy_to_tag_schema(subject, referrers).await,
        }
    }

    /// Copies referrers to a destination without the referrers API, and adds them to the index
    /// of the tag schema.
    async fn copy_to_tag_schema(
        &self,
        subject: &Subject,
        referrers: &[Descriptor],
    ) -> Result<Vec<Digest>, RowError> {
        let (image, digest) = (self.image, &subject.digest);
        let existing = image.destination.referrers_by_tag(digest).await;
        let existing = existing.map_err(RowError::Write)?;
        let missing = referrers_index::missing(referrers, &existing);
        // The registry does not check the index, so the subject of each manifest is checked.
        let missing = self.referrers_among(digest, missing).await?;
        let mut all = referrers_index::present(referrers, &existing);
        if missing.is_empty() || !self.plan_digest_tags(subject).await? {
            return digests_of(&all);
        }
        let copied = self.copy_each(subject, &missing).await?;
        let index = referrers_index::with(&existing, &copied);
        let tag = digest.tag(DigestTagKind::Referrers);
        image.write_manifest(tag, &index).await?;
        all.extend(copied);
        digests_of(&all)
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
        let copied = try_join_all(copies).await?;
        Ok(copied.into_iter().flatten().collect())
    }
}

/// Returns a list of the source. A list that the source denies is empty, and the row gets a warning.
fn warn_if_denied<T: Default>(
    image: &ImageCopy<'_>,
    list: Result<T, Error>,
    what: &str,
) -> Result<T, RowError> {
    match list {
        Ok(list) => Ok(list),
        Err(error) if error.is_refused() => {
            image.warn(format!(
                "cannot list {what}: {error}; signatures and other referrers may be missing"
            ));
            Ok(T::default())
        }
        Err(error) => Err(RowError::Referrer {
            what: what.to_owned(),
            error: Box::new(RowError::Read(error)),
        }),
    }
}
