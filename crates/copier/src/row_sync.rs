//! One row from beginning to end.

use image_name::{Digest, ManifestReference};
use registry_client::{Access, ManifestHead, Repository, is_index_type, manifest_reference};

use crate::attached::Children;
use crate::engine::{Engine, ImageCopy};
use crate::head_cache::SourceHead;
use crate::images::{AtDestination, digests_of};
use crate::report::{Outcome, RowError, Status};
use crate::row::{MovedTag, NarrowedIndex, Row};
use crate::selection::Selected;

/// What is known of a row's destination.
#[derive(Debug)]
pub(crate) enum Target {
    /// Nothing: it is asked for.
    Unasked,
    /// An earlier row of the run has written it.
    Written(Digest),
}

impl Engine<'_> {
    /// Brings one row's destination up to date.
    pub(crate) async fn sync_row(&self, row: &Row, target: Target) -> Outcome {
        match self.try_sync_row(row, target).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::failed(error),
        }
    }

    async fn try_sync_row(&self, row: &Row, known: Target) -> Result<Outcome, RowError> {
        let target = self.target_of(row)?;
        let ask_target = async {
            match known {
                Target::Written(digest) => Ok(Some(ManifestHead {
                    digest,
                    media_type: None,
                    size: None,
                })),
                Target::Unasked => self.heads.destination(&target, &row.destination).await,
            }
        };
        let ask_source = self.heads.source(&self.client, &row.source);
        let (found, there) = futures::join!(ask_source, ask_target);
        let found = found
            .map_err(RowError::Read)?
            .ok_or_else(|| RowError::SourceMissing {
                reference: row.source.to_string(),
            })?;
        let there = there.map_err(RowError::Write)?;
        let source = found.head.clone();
        let (found, moved) = found.pin_to_approved(row, there.as_ref());
        let synced = match &moved {
            Some(moved) if self.options.moved == MovedTag::Refused => {
                Outcome::failed(RowError::Moved(Box::new(moved.clone())))
            }
            _ => self.bring(row, &target, &found, there).await,
        };
        Ok(Outcome {
            source: Some(source),
            moved,
            ..synced
        })
    }

    /// Brings the target to what was found, or approved, at the source.
    async fn bring(
        &self,
        row: &Row,
        target: &Repository,
        found: &SourceHead,
        there: Option<ManifestHead>,
    ) -> Outcome {
        let destination = self.destination(target.host_name());
        let image_copy = ImageCopy::new(self, &found.repository, target, &destination);
        let plain = self.options.platforms.is_none() && !self.options.arch_tags;
        let same = there
            .as_ref()
            .is_some_and(|there| there.digest == found.head.digest);
        let step = if same && plain {
            image_copy.check_unchanged(found).await
        } else if plain && self.options.dry_run {
            Ok(ImageResult::changed(found.head.digest.clone()))
        } else {
            let Ok(_place) = self.copying.acquire().await else {
                return Outcome::of(Status::Skipped);
            };
            image_copy.copy_image(row, found, there.as_ref()).await
        };
        let listing_gaps = image_copy.take_listing_gaps();
        self.listing_gaps.add(row, &found.repository, listing_gaps);
        image_copy.outcome(step, there)
    }

    /// Where a row goes.
    ///
    /// # Errors
    ///
    /// [`RowError::Name`], and [`RowError::SameLocation`] for a row that would
    /// be copied onto its own source.
    pub(crate) fn target_of(&self, row: &Row) -> Result<Repository, RowError> {
        let access = if self.options.dry_run {
            Access::Pull
        } else {
            Access::Push
        };
        let target = self.client.destination(&row.destination, access);
        let target = target.map_err(RowError::Name)?;
        let places = self.client.sources(&row.source).map_err(RowError::Name)?;
        let from = manifest_reference(&row.source).map_err(RowError::Name)?;
        let to = manifest_reference(&row.destination).map_err(RowError::Name)?;
        if from == to && places.contains(&target) {
            return Err(RowError::SameLocation {
                place: format!("{target}:{to}"),
            });
        }
        Ok(target)
    }
}

/// What was done to a row's image before what is attached to it.
#[derive(Debug)]
struct ImageResult {
    digest: Digest,
    /// Whether a dry run would write.
    would_write: bool,
    /// The image's tag is right; something attached to it is not.
    error: Option<RowError>,
}

impl ImageResult {
    fn changed(digest: Digest) -> Self {
        Self {
            digest,
            would_write: true,
            error: None,
        }
    }
}

impl ImageCopy<'_> {
    fn outcome(&self, step: Result<ImageResult, RowError>, there: Option<ManifestHead>) -> Outcome {
        let mut outcome = match step {
            Ok(step) => {
                let wrote = step.would_write || self.has_written();
                let status = if wrote {
                    Status::Copied
                } else {
                    Status::Unchanged
                };
                Outcome {
                    digest: Some(step.digest),
                    error: step.error,
                    ..Outcome::of(status)
                }
            }
            Err(error) => Outcome {
                digest: there.map(|there| there.digest),
                ..Outcome::failed(error)
            },
        };
        if outcome.error.is_some() {
            outcome.status = Status::Failed;
        }
        outcome.bytes_copied = self.bytes_sent();
        outcome.warnings = self.take_warnings();
        outcome
    }

    /// The destination has the image; what is attached to it may be newer.
    async fn check_unchanged(&self, found: &SourceHead) -> Result<ImageResult, RowError> {
        let digest = found.head.digest.clone();
        let media_type = found.head.media_type.as_deref().unwrap_or_default();
        let children = if is_index_type(media_type) {
            Children::AtTarget(&found.head.digest)
        } else {
            Children::None
        };
        let error = self.attach(Some(&digest), children).await.err();
        Ok(ImageResult {
            digest,
            would_write: false,
            error,
        })
    }

    async fn attach(&self, root: Option<&Digest>, children: Children<'_>) -> Result<(), RowError> {
        if !self.engine.options.referrers || self.engine.options.dry_run {
            return Ok(());
        }
        self.copy_attached(root, children).await
    }

    /// Copies the image, its tag last, then what is attached to it.
    async fn copy_image(
        &self,
        row: &Row,
        found: &SourceHead,
        there: Option<&ManifestHead>,
    ) -> Result<ImageResult, RowError> {
        let root = self.source_manifest(&found.head.digest).await?;
        let root = root.ok_or_else(|| RowError::SourceMissing {
            reference: format!("{}@{}", row.source, found.head.digest),
        })?;
        let selected = self.select(root).await?;
        let digest = selected.root.digest.clone();
        let rebuilt = digest != found.head.digest;
        if rebuilt {
            self.warn(format!(
                "the index was rebuilt with the wanted platforms: its digest is new, {digest} instead of {}",
                found.head.digest
            ));
        }
        let same = there.is_some_and(|there| there.digest == digest);
        if self.engine.options.dry_run {
            return Ok(ImageResult {
                digest,
                would_write: !same,
                error: None,
            });
        }
        let expect = if there.is_none() {
            AtDestination::Missing
        } else {
            AtDestination::Unknown
        };
        self.write_image(row, &selected, same, expect).await?;
        let children = KnownChildren::of(&selected)?;
        let root = (!rebuilt).then_some(&found.head.digest);
        let error = self.attach(root, children.as_children(&digest)).await.err();
        Ok(ImageResult {
            digest,
            would_write: false,
            error,
        })
    }

    /// Writes what is missing of an image, then its tags.
    async fn write_image(
        &self,
        row: &Row,
        selected: &Selected,
        same: bool,
        expect: AtDestination,
    ) -> Result<(), RowError> {
        let (root, options) = (&selected.root, self.engine.options);
        // The digest of a sparse index does not tell which children are there.
        let sparse = options.platforms.as_ref();
        let sparse = sparse.is_some_and(|selection| selection.index == NarrowedIndex::Sparse);
        match &selected.children {
            Some(children) if !same || sparse => {
                self.ensure_children(&root.digest, children, expect, 1)
                    .await?;
            }
            None if !same => self.ensure_contents(root, None, expect, 0).await?,
            _ => {}
        }
        let reference = match manifest_reference(&row.destination).map_err(RowError::Name)? {
            // A row by digest whose index was rebuilt has a digest of its own.
            ManifestReference::Digest(_) => ManifestReference::from(&root.digest),
            tag @ ManifestReference::Tag(_) => tag,
        };
        if !same {
            self.put(&reference, root).await?;
        }
        if let Some(tag) = reference.tag().filter(|_| options.arch_tags) {
            let children = selected.children.as_deref();
            self.write_arch_tags(tag, root, children).await?;
        }
        Ok(())
    }
}

/// The children of an image that was just written.
enum KnownChildren {
    Flat(Vec<Digest>),
    /// An index within has children of its own, which are read at the target.
    Nested,
}

impl KnownChildren {
    fn of(selected: &Selected) -> Result<Self, RowError> {
        let children = selected.children.as_deref().unwrap_or_default();
        if children
            .iter()
            .any(|child| is_index_type(child.media_type().as_ref()))
        {
            return Ok(Self::Nested);
        }
        digests_of(children).map(Self::Flat)
    }

    fn as_children<'a>(&'a self, root: &'a Digest) -> Children<'a> {
        match self {
            Self::Flat(children) => Children::Known(children),
            Self::Nested => Children::AtTarget(root),
        }
    }
}
