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

    /// Sets the approvals of the selected rows.
    pub(crate) fn apply(&self, rows: &mut [RunRow]) {
        for RunRow { row, listed } in rows {
            if let Some(listed) = listed {
                let approved = self.get(listed);
                row.approved = approved.map(|approved| self.approval(listed, approved));
            }
        }
    }

    fn approval(&self, listed: &ListedRow, approved: &ApprovedDigest) -> Approval {
        let attached = approved.attached();
        let all = |digests: fn(&images_list::AttachedDigests) -> Vec<AttachedDigest>| {
            attached.map(digests).unwrap_or_default()
        };
        Approval {
            digest: approved.digest().clone(),
            attached: all(|attached| attached.approved().collect()),
            replaced: all(|attached| attached.replaced().collect()),
            mutable: self.mutable.matches(&listed.row),
        }
    }

    fn get(&self, listed: &ListedRow) -> Option<&ApprovedDigest> {
        let lock = self.locks.get(listed.list)?.as_ref()?;
        lock.lock.get(&listed.row)
    }

    /// Checks that every row without a mutable tag is approved (`--locked`).
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows without one.
    pub(crate) fn require(&self, rows: &[RunRow]) -> Result<(), Failure> {
        let listed = rows.iter().filter_map(|row| row.listed.as_ref());
        let unapproved: Vec<_> = listed
            .filter(|listed| !self.mutable.matches(&listed.row) && self.get(listed).is_none())
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
        if is_new && (known.is_none() || self.mutable.matches(row)) {
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
        let approved = self
            .get(listed)
            .filter(|_| !self.mutable.matches(&listed.row));
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
