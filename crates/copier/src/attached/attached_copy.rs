//! The copy of everything attached to one image.

use std::sync::{Arc, Mutex};

use image_name::{AttachedDigest, Digest};
use registry_client::{Error, Support};

use super::children::{Children, read_children};
use super::levels::{MAX_DEPTH, visit_levels};
use crate::attached_content::Runnable;
use crate::attached_outcome::AttachedOutcome;
use crate::destination::AttachedCopied;
use crate::digest_tags::DigestTags;
use crate::image_copy::ImageCopy;
use crate::listing_gaps::ListingGap;
use crate::lock::lock;
use crate::report::RowError;
use crate::row::Row;
use crate::subject::Subject;
use crate::subject_approval::SubjectApproval;

/// The copy of everything attached to one image.
///
/// If the source denies a list (401, 403), the row gets a warning.
#[derive(Debug)]
pub(crate) struct AttachedCopy<'a> {
    pub(super) image: &'a ImageCopy<'a>,
    pub(super) row: &'a Row,
    /// The digest tags of the source repository.
    pub(super) tags: Arc<DigestTags>,
    found: Mutex<AttachedOutcome>,
}

/// The copy of what is attached to one manifest.
#[derive(Debug)]
pub(super) struct SubjectCopy<'a> {
    pub(super) subject: &'a Subject,
    pub(super) approval: SubjectApproval,
    pub(super) copied: Mutex<AttachedCopied>,
}

impl<'a> AttachedCopy<'a> {
    /// Lists the digest tags of the source, once for each source repository.
    pub(crate) async fn new(image: &'a ImageCopy<'a>, row: &'a Row) -> Result<Self, RowError> {
        let listed = image.engine.source_lists.digest_tags(image.source).await;
        let tags = warn_if_not_served(image, listed, "the tags of the source")?;
        let tags = tags.unwrap_or_else(|| Arc::new(DigestTags::not_served()));
        if tags.is_not_listed() {
            image.add_listing_gap(ListingGap::Tags);
        }
        for warning in tags.warnings() {
            image.warn(warning.clone());
        }
        Ok(Self {
            image,
            row,
            tags,
            found: Mutex::default(),
        })
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
        children: &Children,
    ) -> Result<AttachedOutcome, RowError> {
        let run = async || self.run_unit(root, children).await;
        self.image.source.with_document_memory(run).await
    }

    async fn run_unit(
        &self,
        root: Option<&Digest>,
        children: &Children,
    ) -> Result<AttachedOutcome, RowError> {
        *lock(&self.found) = AttachedOutcome::default();
        self.image.size.reset();
        if let Some(root) = root {
            self.copy_attached_to(std::slice::from_ref(root)).await?;
        }
        let has_nothing = self.tags.is_empty()
            && self.image.source.referrers_support() == Support::No
            && self.approved().is_empty();
        if !has_nothing {
            match children {
                Children::Known(digests) => self.copy_attached_to(digests).await?,
                Children::OfIndex(index) => {
                    let children = self.destination_children(index).await?;
                    self.copy_attached_to(&children).await?;
                }
            }
        }
        Ok(std::mem::take(&mut *lock(&self.found)))
    }

    fn approved(&self) -> &[AttachedDigest] {
        let approval = self.row.approved.as_ref();
        let attached = approval.and_then(|approval| approval.attached.as_deref());
        attached.unwrap_or_default()
    }

    /// Copies the content attached to manifests of the row's image, then the content attached to
    /// that.
    async fn copy_attached_to(&self, manifests: &[Digest]) -> Result<(), RowError> {
        let visit = async |subject: &Subject| {
            let copied = self.copy_directly_attached(subject).await?;
            for warning in &copied.warnings {
                self.image.warn(warning.clone());
            }
            lock(&self.found).extend(&copied.outcome);
            Ok(copied.referrers.clone())
        };
        if let Some(too_deep) = visit_levels(manifests, visit).await? {
            self.image.warn(format!(
                "referrers of {too_deep} are not copied: nested more than {MAX_DEPTH} levels deep"
            ));
        }
        Ok(())
    }

    /// Returns the children of an index at the destination, nested ones included. The index is
    /// read once for all tags of a repository.
    async fn destination_children(&self, root: &Digest) -> Result<Vec<Digest>, RowError> {
        let key = (self.image.destination.path().clone(), root.clone());
        let read = || read_children(self.image.destination, root, RowError::Write);
        let children = &self.image.registry.children;
        children.get_or_try_init(key, read).await
    }

    /// Copies the referrers and digest tags of one manifest, once for each source, destination
    /// and approval.
    async fn copy_directly_attached(
        &self,
        subject: &Subject,
    ) -> Result<Arc<AttachedCopied>, RowError> {
        let (image, digest) = (self.image, &subject.digest);
        let approval = SubjectApproval::new(self.row, digest, image.engine.options.moved);
        let key = (
            image.source.to_string(),
            image.destination.path().clone(),
            approval.clone(),
            image.attached,
        );
        let copy = || async {
            let copy = SubjectCopy {
                subject,
                approval,
                copied: Mutex::default(),
            };
            self.copy_digest_tags(&copy).await?;
            if let Some(warning) = self.tags.unknown_warning(digest) {
                copy.warn(warning);
            }
            self.copy_referrers_of(&copy).await?;
            let mut copied = lock(&copy.copied);
            Ok(Arc::new(std::mem::take(&mut *copied)))
        };
        image.registry.attached.get_or_try_init(key, copy).await
    }

    /// Adds the tags about a subject to the write plan of the run. Returns false if the subject
    /// does not belong to the row's image.
    pub(super) async fn plan_digest_tags(&self, subject: &Subject) -> Result<bool, RowError> {
        let is_attached = self.is_referrer(self.image.check_attached(subject).await)?;
        if is_attached {
            let plan = &self.image.engine.plan;
            plan.add_digest_tags(self.image.destination, &subject.digest);
        }
        Ok(is_attached)
    }

    /// Returns false, with a warning, for a manifest that has another subject, or may not be copied.
    pub(super) fn is_referrer(&self, checked: Result<(), RowError>) -> Result<bool, RowError> {
        match checked {
            Err(error @ RowError::SubjectMismatch(_)) => {
                self.image
                    .warn(format!("{error}; the referrer is not copied"));
                Ok(false)
            }
            Err(RowError::Runnable(runnable)) => {
                self.image.warn(left_out("the referrer", &runnable));
                Ok(false)
            }
            checked => checked.map(|()| true),
        }
    }
}

impl SubjectCopy<'_> {
    /// Adds a warning for every row that the copy is made for.
    pub(super) fn warn(&self, warning: String) {
        lock(&self.copied).warnings.push(warning);
    }
}

/// Returns the warning about attached content that is not copied.
pub(super) fn left_out(what: &str, runnable: &Runnable) -> String {
    format!(
        "{what} {runnable}; with a policy only documents are copied with an image, so it is left out"
    )
}

/// Returns a list of the source, or `None` and a warning of the row if the source does not serve it, or
/// not to this client.
pub(super) fn warn_if_not_served<T>(
    image: &ImageCopy<'_>,
    list: Result<T, Error>,
    what: &str,
) -> Result<Option<T>, RowError> {
    match list {
        Ok(list) => Ok(Some(list)),
        Err(error) if error.is_not_served() => {
            image.warn(format!(
                "cannot list {what}: {error}; signatures and other referrers may be missing"
            ));
            Ok(None)
        }
        Err(error) => Err(RowError::Referrer {
            what: what.to_owned(),
            error: Box::new(RowError::Read(error)),
        }),
    }
}
