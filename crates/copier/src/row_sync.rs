//! The synchronization of one row.

use std::time::{Duration, Instant};

use image_name::{Digest, ManifestReference};
use registry_client::{
    Error, Manifest, ManifestHead, Repository, is_index_type, manifest_reference,
};

use crate::arch_tags::write_arch_tags;
use crate::attached::{AttachedCopy, Children};
use crate::attached_outcome::AttachedOutcome;
use crate::child_presence::lacks_children;
use crate::engine::Engine;
use crate::gate::ArrivingImage;
use crate::head_cache::SourceHead;
use crate::image_copy::{ImageCopy, Presence};
use crate::image_reads::ImageReads;
use crate::options::MovedTag;
use crate::platform_selection::NarrowedIndex;
use crate::report::{Outcome, RowError, Status};
use crate::repository_setup::RepositorySetup;
use crate::row::Row;
use crate::selected_image::SelectedImage;
use crate::source_group::{GroupMember, SharedPulls};

/// The synchronization of one row: compare the digests of source and destination, copy the image,
/// then its referrers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowSync<'a> {
    engine: &'a Engine<'a>,
    row: &'a Row,
    /// The time that the row has taken so far, without waits for other rows.
    elapsed: Duration,
}

/// The result of one image, before its row has an outcome.
#[derive(Debug)]
struct ImageResult {
    /// The digest at the destination.
    digest: Digest,
    /// A run that is not a dry run would write the image.
    would_write: bool,
    /// The attached content, or the reason why it is incomplete although the image is copied.
    attached: Result<AttachedOutcome, RowError>,
    /// The head of the source, if the tag was pushed again after its HEAD request.
    moved_head: Option<ManifestHead>,
    /// The digest of the source image, if the gate has admitted it.
    admitted: Option<Digest>,
}

/// An image that is copied, without what is attached to it.
#[derive(Debug)]
struct CopiedImage {
    result: ImageResult,
    /// The index has fewer children than that of the source.
    is_rebuilt: bool,
    /// The children, `None` in a dry run.
    children: Option<Children>,
}

impl<'a> RowSync<'a> {
    pub(crate) fn new(engine: &'a Engine<'a>, row: &'a Row) -> Self {
        Self {
            engine,
            row,
            elapsed: Duration::ZERO,
        }
    }

    /// Brings the destination of the row up to date.
    ///
    /// `written` is the digest that an earlier row has written to the same destination; without
    /// it, the destination is queried.
    pub(crate) async fn run(self, written: Option<Digest>) -> Outcome {
        self.try_run(written).await.unwrap_or_else(Outcome::failed)
    }

    /// Does a part of the row within the time that is left for the row. Boxed, a part takes no memory in
    /// the state of a row that is not in it.
    ///
    /// # Errors
    ///
    /// [`RowError::Timeout`].
    async fn within_timeout<T>(
        &mut self,
        part: impl Future<Output = Result<T, RowError>>,
    ) -> Result<T, RowError> {
        let Some(limit) = self.engine.options.row_timeout else {
            return part.await;
        };
        let started = Instant::now();
        let rest = limit.saturating_sub(self.elapsed);
        let done = tokio::time::timeout(rest, part).await;
        self.elapsed += started.elapsed();
        done.unwrap_or(Err(RowError::Timeout { after: limit }))
    }

    async fn try_run(mut self, written: Option<Digest>) -> Result<Outcome, RowError> {
        let Self { engine, row, .. } = self;
        let destination = engine.destination_of(row)?;
        let group = engine.groups.member(&row.source, destination.host_name());
        let destination_head = async {
            match written {
                Some(digest) => Ok(Some(ManifestHead {
                    digest,
                    media_type: None,
                    size: None,
                })),
                None => {
                    engine
                        .heads
                        .destination(&destination, &row.destination)
                        .await
                }
            }
        };
        if let Some(outcome) = self.trusted_outcome(&destination).await {
            return Ok(outcome);
        }
        let source_head = engine.heads.source(&engine.client, &row.source);
        let heads = async { Ok(futures::join!(source_head, destination_head)) };
        let (source, existing) = self.within_timeout(heads).await?;
        let missing = || RowError::SourceMissing {
            reference: row.source.to_string(),
            now: None,
        };
        let source = source.map_err(RowError::Read)?.ok_or_else(missing)?;
        let existing = match existing {
            Err(error) if RepositorySetup::may_be_missing(row, &error) => None,
            existing => existing.map_err(RowError::Write)?,
        };
        if existing.is_some() {
            engine.setup.note_existing(row, &destination);
        }
        let head = source.head.clone();
        let (source, moved) = source.pin_to_approved(row, existing.as_ref());
        let mut outcome = match &moved {
            Some(moved) if engine.options.moved == MovedTag::Refused => {
                Outcome::failed(RowError::Moved(Box::new(moved.clone())))
            }
            _ => self.copy(&destination, &source, existing, group).await,
        };
        if let Some(RowError::SourceMissing { now, .. }) = &mut outcome.error {
            *now = moved.as_ref().map(|moved| moved.now.clone());
        }
        Ok(Outcome {
            source: outcome.source.clone().or(Some(head)),
            moved,
            ..outcome
        })
    }

    /// Returns the outcome of a row that is trusted to be unchanged: no request goes to its source.
    async fn trusted_outcome(&self, destination: &Repository) -> Option<Outcome> {
        let approved = self.trusted_digest()?;
        let heads = &self.engine.heads;
        let existing = heads.destination(destination, &self.row.destination).await;
        let unchanged = existing.is_ok_and(|existing| has_digest(existing.as_ref(), approved));
        unchanged.then(|| Outcome {
            digest: Some(approved.clone()),
            ..Outcome::new(Status::Unchanged)
        })
    }

    /// Returns the digest that makes the row unchanged if the destination has it.
    fn trusted_digest(&self) -> Option<&'a Digest> {
        let options = self.engine.options;
        let is_whole = options.copies_whole_image(self.row);
        let trusts = options.trust_lock && is_whole && !options.check_children;
        self.row.approved_digest().filter(|_| trusts)
    }

    /// Copies the image of the row, or only its referrers if the destination has the image.
    async fn copy(
        mut self,
        destination: &Repository,
        source: &SourceHead,
        existing: Option<ManifestHead>,
        group: Option<GroupMember>,
    ) -> Outcome {
        let engine = self.engine;
        let registry = engine.registry(destination.host_name());
        let reads = ImageReads::new(group);
        let image = ImageCopy::new(engine, &source.repository, destination, &registry, reads);
        let is_whole = engine.options.copies_whole_image(self.row);
        let is_same = has_digest(existing.as_ref(), &source.head.digest);
        let row = self;
        let is_unchanged =
            async { Ok(is_same && is_whole && row.has_children(&image, source).await?) };
        let result = match self.within_timeout(Box::pin(is_unchanged)).await {
            Err(error) => Err(error),
            Ok(true) => {
                image.reads.withdraw();
                let referrers = self.copy_referrers_only(&image, source);
                self.within_timeout(Box::pin(referrers)).await
            }
            Ok(false) if is_whole && engine.options.decides_without_image() => Ok(ImageResult {
                digest: source.head.digest.clone(),
                would_write: true,
                attached: Ok(AttachedOutcome::default()),
                moved_head: None,
                admitted: None,
            }),
            Ok(false) => match self.copy_in_turn(&image, source, existing.as_ref()).await {
                Ok(Some(result)) => Ok(result),
                Ok(None) => return Outcome::new(Status::Skipped),
                Err(error) => Err(error),
            },
        };
        let gaps = image.take_listing_gaps();
        engine.listing_gaps.add(self.row, &source.repository, gaps);
        let mut outcome = outcome(&image, result, existing);
        if outcome.status == Status::Copied && !engine.options.dry_run {
            let described = engine.setup.describe(&engine.client, self.row, destination);
            let warning = described.await;
            outcome.warnings.extend(warning);
        }
        outcome
    }

    /// Copies the image when the quota of its source suffices and few others are copied. Returns
    /// `None` if the run is interrupted before that.
    async fn copy_in_turn(
        &mut self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
        existing: Option<&ManifestHead>,
    ) -> Result<Option<ImageResult>, RowError> {
        let repository = &source.repository;
        // Before the permit, since this wait may be for other images of the host.
        let is_read = self.engine.manifests.has(repository, &source.head.digest);
        let pulls = image.reads.reserve_pulls(repository, is_read).await?;
        let host = repository.host_name().to_owned();
        let Some(_permit) = self.engine.copy_permits.acquire(host).await else {
            return Ok(None);
        };
        let copied = self.copy_image(image, source, existing, pulls);
        self.within_timeout(Box::pin(copied)).await.map(Some)
    }

    /// Returns false if the destination is known to lack children of an image that it has.
    async fn has_children(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
    ) -> Result<bool, RowError> {
        let media_type = source.head.media_type.as_deref();
        if !self.engine.options.check_children || !media_type.is_none_or(is_index_type) {
            return Ok(true);
        }
        let check = async || lacks_children(image.destination, &source.head.digest).await;
        let lacks_children = image.destination.with_document_memory(check);
        Ok(!lacks_children.await?)
    }

    /// The destination has the image; its referrers may be newer.
    async fn copy_referrers_only(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
    ) -> Result<ImageResult, RowError> {
        let digest = &source.head.digest;
        let media_type = source.head.media_type.as_deref();
        let children = if media_type.is_none_or(is_index_type) {
            Children::OfIndex(digest.clone())
        } else {
            Children::Known(Vec::new())
        };
        let referrers = self.copy_attached(image, Some(digest), &children).await;
        Ok(ImageResult {
            digest: digest.clone(),
            would_write: false,
            attached: referrers,
            moved_head: None,
            admitted: None,
        })
    }

    /// Copies the image, its tag last, then its referrers.
    async fn copy_image(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
        existing: Option<&ManifestHead>,
        pulls: Option<SharedPulls>,
    ) -> Result<ImageResult, RowError> {
        let copy = async || {
            image.size.reset();
            self.copy_selected(image, source, existing, pulls.as_ref())
                .await
        };
        let copied = source.repository.with_document_memory(copy).await?;
        drop(pulls);
        let Some(children) = &copied.children else {
            return Ok(copied.result);
        };
        // A referrer cannot refer to a rebuilt index. The manifests are dropped: the list of tags may wait
        // for memory.
        let root = (!copied.is_rebuilt).then_some(&copied.result.digest);
        let attached = self.copy_attached(image, root, children).await;
        Ok(ImageResult {
            attached,
            ..copied.result
        })
    }

    /// Copies the image without what is attached to it.
    async fn copy_selected(
        self,
        image: &ImageCopy<'_>,
        source: &SourceHead,
        existing: Option<&ManifestHead>,
        pulls: Option<&SharedPulls>,
    ) -> Result<CopiedImage, RowError> {
        let root = self.source_root(image, &source.head.digest).await?;
        let source_digest = &root.digest.clone();
        let moved_head = (*source_digest != source.head.digest).then(|| ManifestHead {
            digest: root.digest.clone(),
            media_type: Some(root.media_type.clone().into()),
            size: Some(root.bytes.len() as u64),
        });
        let selection = self.engine.options.platforms_of(self.row);
        let selected = SelectedImage::select(image, selection, root.clone()).await?;
        let digest = selected.root.digest.clone();
        let is_there = has_digest(existing, &digest);
        let admitted = self.admit(image, root, is_there).await?;
        let is_rebuilt = digest != *source_digest;
        if is_rebuilt {
            image.warn(format!(
                "the index was rebuilt with the selected platforms: \
                 its digest is {digest} instead of {source_digest}"
            ));
        }
        let is_dry_run = self.engine.options.dry_run;
        let result = ImageResult {
            would_write: is_dry_run && !has_digest(existing, &digest),
            digest,
            attached: Ok(AttachedOutcome::default()),
            moved_head,
            admitted,
        };
        let mut children = None;
        if !is_dry_run {
            let manifests = selected.children.as_ref().map_or(0, Vec::len) as u64;
            if let Some(pulls) = pulls {
                let extended = pulls.lock().await.extend(manifests).await;
                extended.map_err(RowError::Read)?;
            }
            let refused = self.create_repository(image, existing).await?;
            let written = self.write_image(image, &selected, existing).await;
            written.map_err(|error| more_telling(error, refused))?;
            children = Some(Children::from_selected(&selected)?);
        }
        Ok(CopiedImage {
            result,
            is_rebuilt,
            children,
        })
    }

    /// Asks the gate about an image that the destination lacks, or may lack in part although `is_there`.
    /// Returns the digest if the image was admitted.
    async fn admit(
        self,
        image: &ImageCopy<'_>,
        root: Manifest,
        is_there: bool,
    ) -> Result<Option<Digest>, RowError> {
        let options = self.engine.options;
        let selection = options.platforms_of(self.row);
        let is_sparse = selection.is_some_and(|it| it.index == NarrowedIndex::Sparse);
        let is_whole = is_there && !is_sparse && !options.check_children;
        let Some(gate) = options.gate.as_ref().filter(|_| !is_whole) else {
            return Ok(None);
        };
        let arriving = ArrivingImage {
            row: self.row,
            source: image.source,
            manifest: &root,
            lists: &self.engine.source_lists,
            manifests: &self.engine.manifests,
        };
        gate.admit(&arriving).await?;
        Ok(Some(root.digest))
    }

    /// Creates the destination repository, unless it has the tag. Returns the refusal of the API.
    async fn create_repository(
        self,
        image: &ImageCopy<'_>,
        existing: Option<&ManifestHead>,
    ) -> Result<Option<RowError>, RowError> {
        if existing.is_some() {
            return Ok(None);
        }
        let (setup, client) = (&self.engine.setup, &self.engine.client);
        setup.create(client, self.row, image.destination).await
    }

    /// Returns the manifest of the source image. A tag that was pushed again since its HEAD request
    /// is read once more, but an approved digest is not replaced.
    async fn source_root(
        self,
        image: &ImageCopy<'_>,
        digest: &Digest,
    ) -> Result<Manifest, RowError> {
        let reference = manifest_reference(&self.row.source).map_err(RowError::Name)?;
        let tag = reference.tag();
        let tag = tag.filter(|_| self.row.approved_digest().is_none());
        let root = match tag {
            Some(tag) => image.source_manifest_of_tag(tag, digest).await?,
            None => image.source_manifest(digest).await?,
        };
        root.ok_or_else(|| RowError::SourceMissing {
            reference: format!("{}@{digest}", self.row.source),
            now: None,
        })
    }

    /// Writes the missing contents of an image, then its tags.
    async fn write_image(
        self,
        image: &ImageCopy<'_>,
        selected: &SelectedImage,
        existing: Option<&ManifestHead>,
    ) -> Result<(), RowError> {
        let (root, options) = (&selected.root, self.engine.options);
        let is_same = has_digest(existing, &root.digest);
        let presence = match existing {
            Some(_) => Presence::Unknown,
            None => Presence::Absent,
        };
        // The digest of a sparse index does not show which children are there.
        let selection = options.platforms_of(self.row);
        let is_sparse = selection.is_some_and(|it| it.index == NarrowedIndex::Sparse);
        match &selected.children {
            Some(children) if !is_same || is_sparse || options.check_children => {
                image
                    .copy_children(&root.digest, children, presence, 1)
                    .await?;
            }
            None if !is_same => image.copy_contents(root, None, presence, 0).await?,
            _ => {}
        }
        let reference = manifest_reference(&self.row.destination).map_err(RowError::Name)?;
        let reference = match reference {
            // The row names the digest of the source's index, not that of the rebuilt one.
            ManifestReference::Digest(_) => ManifestReference::from(&root.digest),
            tag @ ManifestReference::Tag(_) => tag,
        };
        if !is_same {
            image.write_manifest(&reference, root).await?;
        }
        if let Some(tag) = reference.tag().filter(|_| options.arch_tags) {
            write_arch_tags(image, tag, selected).await?;
        }
        Ok(())
    }

    async fn copy_attached(
        self,
        image: &ImageCopy<'_>,
        root: Option<&Digest>,
        children: &Children,
    ) -> Result<AttachedOutcome, RowError> {
        let options = self.engine.options;
        if !options.copies_referrers_of(self.row) || options.dry_run {
            return Ok(AttachedOutcome::default());
        }
        let copy = AttachedCopy::new(image, self.row).await?;
        copy.run(root, children).await
    }
}

/// Returns the error of an upload, or the refusal to create the repository if the registry responds as
/// if it did not exist.
fn more_telling(error: RowError, refused: Option<RowError>) -> RowError {
    let is_missing = |error: &Error| {
        error.is_refused() || error.status().is_some_and(|status| status.as_u16() == 404)
    };
    match (&error, refused) {
        (RowError::Write(wire), Some(refused)) if is_missing(wire) => refused,
        _ => error,
    }
}

fn has_digest(head: Option<&ManifestHead>, digest: &Digest) -> bool {
    head.is_some_and(|head| head.digest == *digest)
}

fn outcome(
    image: &ImageCopy<'_>,
    result: Result<ImageResult, RowError>,
    existing: Option<ManifestHead>,
) -> Outcome {
    let outcome = match result {
        Ok(result) => {
            let (attached, error) = match result.attached {
                Ok(attached) => (attached, None),
                Err(error) => (AttachedOutcome::default(), Some(error)),
            };
            let status = match &error {
                Some(_) => Status::Failed,
                None if result.would_write || image.has_written() => Status::Copied,
                None => Status::Unchanged,
            };
            let replaced = existing.map(|existing| existing.digest);
            Outcome {
                replaced: replaced.filter(|digest| *digest != result.digest),
                digest: Some(result.digest),
                source: result.moved_head,
                admitted: result.admitted,
                attached,
                error,
                ..Outcome::new(status)
            }
        }
        Err(error) => Outcome {
            // The tag may have been written when the time was over.
            digest: match error {
                RowError::Timeout { .. } => None,
                _ => existing.map(|existing| existing.digest),
            },
            ..Outcome::failed(error)
        },
    };
    Outcome {
        bytes_copied: image.bytes_sent(),
        warnings: image.take_warnings(),
        ..outcome
    }
}
