//! The synchronization of one row.

use std::time::{Duration, Instant};

use image_name::Digest;
use registry_client::{ManifestHead, Repository};

use crate::attached_outcome::AttachedOutcome;
use crate::engine::Engine;
use crate::head_cache::SourceHead;
use crate::image_copy::ImageCopy;
use crate::image_reads::ImageReads;
use crate::options::MovedTag;
use crate::report::{Outcome, RowError, Status};
use crate::repository_setup::RepositorySetup;
use crate::row::Row;
use crate::row_image::{ImageResult, RowImage, has_digest};
use crate::source_group::GroupMember;

/// The synchronization of one row: compare the digests of source and destination, copy the image,
/// then its referrers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowSync<'a> {
    engine: &'a Engine<'a>,
    row: &'a Row,
    /// The time that the row has taken so far, without waits for other rows.
    elapsed: Duration,
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
        if let Some(RowError::SourceMissing { now, .. }) = outcome.error.as_deref_mut() {
            *now = moved.as_ref().map(|moved| moved.now.clone());
        }
        Ok(Outcome {
            source: outcome.source.clone().or(Some(head)),
            moved: moved.map(Box::new),
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
        let image = ImageCopy::new(engine, &source.repository, destination, &registry, reads)
            .with_attached(engine.options.attached_of(self.row));
        let is_whole = engine.options.copies_whole_image(self.row);
        let is_same = has_digest(existing.as_ref(), &source.head.digest);
        let of_row = RowImage::new(engine, self.row);
        let is_unchanged =
            async { Ok(is_same && is_whole && of_row.has_children(&image, source).await?) };
        let result = match self.within_timeout(Box::pin(is_unchanged)).await {
            Err(error) => Err(error),
            Ok(true) => {
                image.reads.withdraw();
                let referrers = of_row.copy_referrers_only(&image, source);
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
        let of_row = RowImage::new(self.engine, self.row);
        let copied = of_row.copy_image(image, source, existing, pulls);
        self.within_timeout(Box::pin(copied)).await.map(Some)
    }
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
                attached: attached.boxed(),
                error: error.map(Box::new),
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
