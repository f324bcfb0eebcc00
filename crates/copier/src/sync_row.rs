//! One row from beginning to end.

use oci_spec::image::Digest;
use registry::{ManifestHead, is_index_type};

use crate::attached::Children;
use crate::engine::{Engine, Passage};
use crate::heads::{self, Found, tag_or_digest};
use crate::images::Expect;
use crate::report::{Outcome, RowError, Status};
use crate::row::{NarrowedIndex, Row};

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
        let writes = !self.options.dry_run;
        let target =
            heads::destination(self.client, &row.destination, writes).map_err(RowError::Name)?;
        self.refuse_onto_itself(row, &target)?;
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
        let ask_source = self.heads.source(self.client, &row.source);
        let (found, there) = futures::join!(ask_source, ask_target);
        let found = found
            .map_err(RowError::Read)?
            .ok_or_else(|| RowError::SourceMissing {
                reference: row.source.to_string(),
            })?;
        let there = there.map_err(RowError::Write)?;

        let destination = self.destination(target.host_name());
        let passage = Passage::new(self, &found.repository, &target, &destination);
        let plain = self.options.platforms.is_none() && !self.options.arch_tags;
        let same = there
            .as_ref()
            .is_some_and(|there| there.digest == found.head.digest);
        let step = if same && plain {
            passage.check_unchanged(&found).await
        } else if plain && self.options.dry_run {
            Ok(Step::changed(found.head.digest.clone()))
        } else {
            passage.copy_image(row, &found, there.as_ref()).await
        };
        Ok(passage.outcome(step, there))
    }

    fn refuse_onto_itself(&self, row: &Row, target: &registry::Repository) -> Result<(), RowError> {
        let places = self.client.pull(&row.source).map_err(RowError::Name)?;
        let same_reference = tag_or_digest(&row.source) == tag_or_digest(&row.destination);
        if same_reference && places.contains(target) {
            return Err(RowError::OntoItself {
                place: format!("{target}:{}", tag_or_digest(&row.destination)),
            });
        }
        Ok(())
    }
}

/// What was done to a row's image before what is attached to it.
#[derive(Debug)]
struct Step {
    digest: Digest,
    /// Whether a dry run would write.
    would_write: bool,
    /// The image's tag is right; something attached to it is not.
    error: Option<RowError>,
}

impl Step {
    fn changed(digest: Digest) -> Self {
        Self {
            digest,
            would_write: true,
            error: None,
        }
    }
}

impl Passage<'_> {
    fn outcome(&self, step: Result<Step, RowError>, there: Option<ManifestHead>) -> Outcome {
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
    async fn check_unchanged(&self, found: &Found) -> Result<Step, RowError> {
        let digest = found.head.digest.clone();
        let media_type = found.head.media_type.as_deref().unwrap_or_default();
        let children = if is_index_type(media_type) {
            Children::AtTarget
        } else {
            Children::None
        };
        let error = self.attach(&digest, children).await.err();
        Ok(Step {
            digest,
            would_write: false,
            error,
        })
    }

    async fn attach(&self, digest: &Digest, children: Children<'_>) -> Result<(), RowError> {
        if !self.engine.options.referrers || self.engine.options.dry_run {
            return Ok(());
        }
        self.copy_attached(digest, children).await
    }

    /// Copies the image, its tag last, then what is attached to it.
    async fn copy_image(
        &self,
        row: &Row,
        found: &Found,
        there: Option<&ManifestHead>,
    ) -> Result<Step, RowError> {
        let options = self.engine.options;
        let root = self.source_manifest(&found.head.digest).await?;
        let root = root.ok_or_else(|| RowError::SourceMissing {
            reference: format!("{}@{}", row.source, found.head.digest),
        })?;
        let selected = self.select(root).await?;
        let digest = selected.root.digest.clone();
        let same = there.is_some_and(|there| there.digest == digest);
        let mut step = Step {
            would_write: options.dry_run && !same,
            digest,
            error: None,
        };
        if step.digest != found.head.digest {
            self.warn(format!(
                "the index was rebuilt with the wanted platforms: its digest is new, {} instead of {}",
                step.digest, found.head.digest
            ));
        }
        if options.dry_run {
            return Ok(step);
        }
        let expect = if there.is_none() {
            Expect::Absent
        } else {
            Expect::Unknown
        };
        let sparse = options
            .platforms
            .as_ref()
            .is_some_and(|selection| selection.index == NarrowedIndex::Sparse);
        match &selected.children {
            // The digest of a sparse index does not tell which children are there.
            Some(children) if !same || sparse => {
                self.ensure_children(&step.digest, children, expect, 1)
                    .await?;
            }
            None if !same => {
                self.ensure_contents(&selected.root, None, expect, 0)
                    .await?;
            }
            _ => {}
        }
        let tag = tag_or_digest(&row.destination);
        if !same {
            self.put(tag, &selected.root).await?;
        }
        if options.arch_tags && row.destination.digest().is_none() {
            self.write_arch_tags(tag, &selected.root, selected.children.as_deref())
                .await?;
        }
        let children = selected.children.iter().flatten();
        let children: Vec<Digest> = children.map(|child| child.digest().clone()).collect();
        step.error = self
            .attach(&found.head.digest, Children::Known(&children))
            .await
            .err();
        Ok(step)
    }
}
