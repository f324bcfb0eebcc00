//! Approvals: applied to the rows before a run, recorded in the locks after it.

use copier::{Outcome, Status};
use images_list::ApprovedDigest;
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

    /// Sets the approved digests of the selected rows.
    pub(crate) fn apply(&self, rows: &mut [RunRow]) {
        for RunRow { row, listed } in rows {
            if let Some(listed) = listed
                && !self.mutable.matches(&listed.row)
            {
                row.approved = self.get(listed).map(|approved| approved.digest().clone());
            }
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

    /// Records the digests of a run for rows without a lock line and for rows with mutable tags.
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
                let listed = row
                    .listed
                    .as_ref()
                    .filter(|listed| self.may_record(listed))?;
                Some((listed, approvable(outcome)?))
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
            for (listed, head) in copied.iter().filter(|(listed, _)| listed.list == at) {
                if self.mutable.matches(&listed.row) || lock.lock.get(&listed.row).is_none() {
                    let approved =
                        ApprovedDigest::new(head.digest.clone(), head.media_type.as_deref());
                    lock.lock.set(listed.row.clone(), approved);
                }
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

    /// Returns true if a run may record a digest for the row.
    fn may_record(&self, listed: &ListedRow) -> bool {
        let has_lock = self.locks.get(listed.list).is_some_and(Option::is_some);
        has_lock && (self.mutable.matches(&listed.row) || self.get(listed).is_none())
    }
}

/// Returns the source manifest of a row whose copy is complete.
fn approvable(outcome: &Outcome) -> Option<&ManifestHead> {
    match outcome.status {
        Status::Copied | Status::Unchanged => outcome.source.as_ref(),
        Status::Failed | Status::Skipped => None,
    }
}
