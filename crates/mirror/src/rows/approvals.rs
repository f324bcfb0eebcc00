//! The approvals of a run: held to before it, recorded after it.

use copier::{Outcome, Status};
use images_list::ApprovedDigest;
use registry_client::ManifestHead;

use crate::cli::failure::Failure;
use crate::files::atomic_file::Staged;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::rows::copying::run::{CopiedRow, CopyRun};
use crate::rows::globs::Globs;
use crate::rows::selection::{ListedRow, RunRow};

/// The locks of a run's lists, and the rows with mutable tags, which no lock holds.
#[derive(Debug)]
pub(crate) struct Approvals {
    /// One for each list; `None` for a list without a lock.
    locks: Vec<Option<LockFile>>,
    mutable: Globs,
}

impl Approvals {
    /// Reads the locks beside the lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file that is there and is no lock.
    pub(crate) fn read(lists: &[ListFile], mutable: Globs) -> Result<Self, Failure> {
        let locks = lists.iter().map(LockFile::read);
        let locks = locks.collect::<Result<_, _>>()?;
        Ok(Self { locks, mutable })
    }

    /// Sets the approved digests of the selected rows.
    pub(crate) fn apply(&self, rows: &mut [RunRow]) {
        for RunRow { row, listed } in rows {
            if let Some(listed) = listed
                && !self.mutable.select(&listed.row)
            {
                row.approved = self.get(listed).map(|approved| approved.digest().clone());
            }
        }
    }

    fn get(&self, listed: &ListedRow) -> Option<&ApprovedDigest> {
        let lock = self.locks.get(listed.list)?.as_ref()?;
        lock.lock.get(&listed.row)
    }

    /// `--locked`: requires an approval of every row without a mutable tag.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows without one.
    pub(crate) fn require(&self, rows: &[RunRow]) -> Result<(), Failure> {
        let listed = rows.iter().filter_map(|row| row.listed.as_ref());
        let open: Vec<_> = listed
            .filter(|listed| !self.mutable.select(&listed.row) && self.get(listed).is_none())
            .map(|ListedRow { row, location, .. }| {
                location.finding(format!("`{row}` is not locked"))
            })
            .collect();
        let message = match open.len() {
            0 => return Ok(()),
            1 => "a row is not locked; nothing was sent".to_owned(),
            many => format!("{many} rows are not locked; nothing was sent"),
        };
        Err(Failure::unusable(message)
            .hint(
                "approve what their tags point to with `mirror lock`, and commit the lock; \
                 tags that may change are named with --mutable"
                    .to_owned(),
            )
            .problems(open))
    }

    /// Approves the images of a run: of rows that had no line yet, and of rows with mutable tags.
    /// Approvals that were written in the meantime stay. The changed files are written all or none.
    ///
    /// # Errors
    ///
    /// [`Failure`] for lists and locks that cannot be read again or written.
    pub(crate) async fn record(&self, lists: &[ListFile], run: &CopyRun) -> Result<(), Failure> {
        let copied: Vec<_> = run
            .rows
            .iter()
            .filter_map(|CopiedRow { row, outcome }| {
                let listed = row.listed.as_ref().filter(|listed| self.is_open(listed))?;
                Some((listed, approvable(outcome)?))
            })
            .collect();
        if copied.is_empty() {
            return Ok(());
        }
        let held = LockedFiles::lock(lists).await?;
        let paths: Vec<_> = lists.iter().map(|file| file.path.clone()).collect();
        let mut staged = Vec::new();
        for (at, file) in list_file::read_all(&paths)?.iter().enumerate() {
            let Some(mut lock) = LockFile::read(file)? else {
                continue;
            };
            for (listed, head) in copied.iter().filter(|(listed, _)| listed.list == at) {
                if self.mutable.select(&listed.row) || lock.lock.get(&listed.row).is_none() {
                    let approved =
                        ApprovedDigest::new(head.digest.clone(), head.media_type.as_deref());
                    lock.lock.set(listed.row.clone(), approved);
                }
            }
            if let Some(new) = lock.stage(&file.list)? {
                tracing::info!("{}: noted what the run has brought", lock.name);
                staged.push(new);
            }
        }
        staged.into_iter().try_for_each(Staged::commit)?;
        drop(held);
        Ok(())
    }

    /// Whether a run may approve the row.
    fn is_open(&self, listed: &ListedRow) -> bool {
        let has_lock = self.locks.get(listed.list).is_some_and(Option::is_some);
        has_lock && (self.mutable.select(&listed.row) || self.get(listed).is_none())
    }
}

/// Returns the image of a row that has been copied whole.
fn approvable(outcome: &Outcome) -> Option<&ManifestHead> {
    match outcome.status {
        Status::Copied | Status::Unchanged => outcome.source.as_ref(),
        Status::Failed | Status::Skipped => None,
    }
}
