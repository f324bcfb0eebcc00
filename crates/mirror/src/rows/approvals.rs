//! Approvals: applied to the rows before a run, recorded in the locks after it.

use copier::{Approval, Outcome, Status};
use image_name::{AttachedDigest, Digest};
use images_list::{ApprovedDigest, Lock};
use registry_client::ManifestHead;

use crate::cli::failure::Failure;
use crate::files::atomic_file::StagedFile;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::rows::copying::run::{CopiedRow, CopyRun};
use crate::rows::globs::Globs;
use crate::rows::pinned;
use crate::rows::selection::{ListedRow, RunRow};

/// The locks of the lists of a run, and the patterns of mutable tags, which are never pinned.
#[derive(Debug)]
pub(crate) struct Approvals {
    /// The lock of each list; `None` for a list without a lock.
    locks: Vec<Option<LockFile>>,
    mutable: Globs,
}

impl Approvals {
    /// Reads the locks beside the lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a lock that cannot be read or is invalid.
    pub(crate) fn read(lists: &[ListFile], mutable: Globs) -> Result<Self, Failure> {
        let locks = lists.iter().map(LockFile::read);
        let locks = locks.collect::<Result<_, _>>()?;
        Ok(Self { locks, mutable })
    }

    /// Sets the approvals of the selected rows: those of the locks, and the pins.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows with another digest in the lock than in the list.
    pub(crate) fn apply(&self, rows: &mut [RunRow]) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for RunRow { row, listed } in rows {
            let Some(listed) = listed else { continue };
            let locked = self.get(listed);
            let message = locked.and_then(|locked| pinned::contradiction(&listed.row, locked));
            problems.extend(message.map(|message| listed.location.finding(message)));
            row.approved = match locked {
                Some(locked) => Some(self.approval(listed, locked)),
                None => pin(listed).map(Approval::pin),
            };
        }
        problems.dedup();
        let message = match problems.len() {
            0 => return Ok(()),
            1 => "1 row is locked to another digest than it pins; nothing was sent".to_owned(),
            many => {
                format!("{many} rows are locked to other digests than they pin; nothing was sent")
            }
        };
        Err(Failure::unusable(message).problems(problems))
    }

    /// Returns true if a row follows its source. A pin takes precedence over `--mutable`.
    fn is_mutable(&self, listed: &ListedRow) -> bool {
        listed.row.tag.pin().is_none() && self.mutable.matches(&listed.row)
    }

    fn approval(&self, listed: &ListedRow, approved: &ApprovedDigest) -> Approval {
        let attached = approved.attached();
        let all = |digests: fn(&images_list::AttachedDigests) -> Vec<AttachedDigest>| {
            attached.map(digests).unwrap_or_default()
        };
        Approval {
            digest: approved.digest().clone(),
            attached: Some(all(|attached| attached.approved().collect())),
            replaced: all(|attached| attached.replaced().collect()),
            mutable: self.is_mutable(listed),
            pinned: pin(listed).is_some(),
        }
    }

    fn get(&self, listed: &ListedRow) -> Option<&ApprovedDigest> {
        let lock = self.locks.get(listed.list)?.as_ref()?;
        lock.lock.get(&listed.row)
    }

    /// Checks that every row without a mutable tag and without a pin is approved (`--locked`).
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows without one.
    pub(crate) fn require(&self, rows: &[RunRow]) -> Result<(), Failure> {
        let listed = rows.iter().filter_map(|row| row.listed.as_ref());
        let unapproved: Vec<_> = listed
            .filter(|listed| listed.row.tag.pin().is_none())
            .filter(|listed| !self.is_mutable(listed) && self.get(listed).is_none())
            .map(|ListedRow { row, location, .. }| {
                location.finding(format!("`{row}` is not locked"))
            })
            .collect();
        let message = match unapproved.len() {
            0 => return Ok(()),
            1 => "1 row is not locked; nothing was sent".to_owned(),
            many => format!("{many} rows are not locked; nothing was sent"),
        };
        Err(Failure::unusable(message)
            .hint(
                "approve the current digests with `mirror lock` and commit the lock, or name tags \
                 that may change with --mutable"
                    .to_owned(),
            )
            .problems(unapproved))
    }

    /// Records the digests of a run for rows without a lock line and for rows with mutable tags,
    /// and what was attached to the other images since their approval.
    ///
    /// Lines written by concurrent runs are kept. All new content is staged before the first
    /// lock is replaced.
    ///
    /// # Errors
    ///
    /// [`Failure`] for lists and locks that cannot be read again or written.
    pub(crate) async fn record(&self, lists: &[ListFile], run: &CopyRun) -> Result<(), Failure> {
        let copied: Vec<_> = run
            .rows
            .iter()
            .filter_map(|CopiedRow { row, outcome }| {
                let listed = row.listed.as_ref()?;
                Some((listed, self.news(listed, outcome)?))
            })
            .collect();
        if copied.is_empty() {
            return Ok(());
        }
        let locked = LockedFiles::lock(lists).await?;
        let paths: Vec<_> = lists.iter().map(|file| file.path.clone()).collect();
        let mut staged = Vec::new();
        for (at, file) in list_file::read_all(&paths)?.iter().enumerate() {
            let Some(mut lock) = LockFile::read(file)? else {
                continue;
            };
            for (listed, news) in copied.iter().filter(|(listed, _)| listed.list == at) {
                self.add(&mut lock.lock, listed, news);
            }
            if let Some(new) = lock.stage(&file.list)? {
                tracing::info!("{}: recorded the copied digests", lock.name);
                staged.push(new);
            }
        }
        staged.into_iter().try_for_each(StagedFile::commit)?;
        drop(locked);
        Ok(())
    }

    /// Adds what a run has found out about a row to the lock on disk, which other runs may have
    /// changed.
    fn add(&self, lock: &mut Lock, listed: &ListedRow, news: &News<'_>) {
        let row = &listed.row;
        let known = lock.get(row).map(ApprovedDigest::digest);
        let is_new = known.is_none_or(|known| *known != news.head.digest);
        if is_new && (known.is_none() || self.is_mutable(listed)) {
            let (digest, media_type) = (&news.head.digest, news.head.media_type.as_deref());
            lock.set(row.clone(), ApprovedDigest::new(digest.clone(), media_type));
        }
        let approved = lock.get(row).map(ApprovedDigest::digest);
        if approved == Some(news.digest) {
            let known = lock.get(row).and_then(ApprovedDigest::attached);
            let is_known = |one: &AttachedDigest| known.is_some_and(|all| all.has_approved(one));
            let attached = news.attached.iter().filter(|one| !is_known(one)).cloned();
            let attached: Vec<_> = attached.collect();
            lock.attach_to(row, attached);
        }
    }

    /// Returns what the lock of a row does not have yet, if its copy is complete.
    fn news<'a>(&'a self, listed: &ListedRow, outcome: &'a Outcome) -> Option<News<'a>> {
        self.locks.get(listed.list)?.as_ref()?;
        let head = match outcome.status {
            Status::Copied | Status::Unchanged => outcome.source.as_ref()?,
            Status::Failed | Status::Skipped => return None,
        };
        let locked = self.get(listed);
        let pin = listed.row.tag.pin();
        if locked.is_none() && pin.is_some_and(|pin| *pin != head.digest) {
            // The source tag has moved, so the media type of the pinned image is unknown.
            return None;
        }
        let approved = locked.filter(|_| !self.is_mutable(listed));
        let added = outcome.attached.added.iter().filter(|added| added.copied);
        let news = match approved {
            None => News {
                head,
                digest: &head.digest,
                attached: outcome.attached.present.clone(),
            },
            Some(approved) => News {
                head,
                digest: approved.digest(),
                attached: added.map(|added| added.attached.clone()).collect(),
            },
        };
        (approved.is_none() || !news.attached.is_empty()).then_some(news)
    }
}

fn pin(listed: &ListedRow) -> Option<Digest> {
    listed.row.tag.pin().cloned()
}

/// The digests of a row that a run has copied and its lock lacks.
#[derive(Debug)]
struct News<'a> {
    /// The manifest of the source's tag.
    head: &'a ManifestHead,
    /// The digest of the image that was copied.
    digest: &'a Digest,
    /// The digests that were attached to it.
    attached: Vec<AttachedDigest>,
}
