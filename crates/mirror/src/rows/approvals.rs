//! Holding a run to what was approved, and noting what it could be trusted with.

use copier::{Outcome, Status};
use images_list::Approved;
use registry_client::ManifestHead;

use super::copying::run::Run;
use super::selection::{Globs, Listed, Selection};
use crate::cli::failure::{Failure, Finding};
use crate::files::atomic_file::Staged;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;

/// The locks of a run's lists, and which rows are followed whatever they say.
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

    /// Tells the engine which digests were approved.
    pub(crate) fn enter(&self, selection: &mut Selection) {
        for (listed, row) in selection.listed.iter().zip(&mut selection.rows) {
            if !self.mutable.select(&listed.row) {
                row.approved = self.of(listed).map(|approved| approved.digest().clone());
            }
        }
    }

    fn of(&self, listed: &Listed) -> Option<&Approved> {
        let lock = self.locks.get(listed.list)?.as_ref()?;
        lock.lock.get(&listed.row)
    }

    /// `--locked`: every row that is not followed must be approved.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows that are not.
    pub(crate) fn require(&self, selection: &Selection) -> Result<(), Failure> {
        let placed = selection.listed.iter().zip(&selection.places);
        let open = placed
            .filter(|(listed, _)| !self.mutable.select(&listed.row) && self.of(listed).is_none());
        let open: Vec<_> = open
            .map(|(listed, place)| Finding {
                file: place.file.clone(),
                line: place.line,
                message: format!("`{}` is not locked", listed.row),
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

    /// Approves what a run has brought: rows that had no line yet, and those
    /// that are followed. Whatever somebody else has approved in the meantime
    /// stays. The files are written where they change, all or none.
    ///
    /// # Errors
    ///
    /// [`Failure`] for lists and locks that cannot be read again or written.
    pub(crate) async fn record(
        &self,
        lists: &[ListFile],
        listed: &[Listed],
        run: &Run,
    ) -> Result<(), Failure> {
        let brought: Vec<_> = listed
            .iter()
            .zip(&run.report.rows)
            .filter(|(listed, _)| self.is_open(listed))
            .filter_map(|(listed, outcome)| Some((listed, approvable(outcome)?)))
            .collect();
        if brought.is_empty() {
            return Ok(());
        }
        let held = LockedFiles::lock(lists).await?;
        let paths: Vec<_> = lists.iter().map(|file| file.path.clone()).collect();
        let mut staged = Vec::new();
        for (at, file) in list_file::read_all(&paths)?.iter().enumerate() {
            let Some(mut lock) = LockFile::read(file)? else {
                continue;
            };
            for (listed, head) in brought.iter().filter(|(listed, _)| listed.list == at) {
                if self.mutable.select(&listed.row) || lock.lock.get(&listed.row).is_none() {
                    let approved = Approved::new(head.digest.clone(), head.media_type.as_deref());
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

    /// Whether a row's line is the run's to write.
    fn is_open(&self, listed: &Listed) -> bool {
        let has_lock = self.locks.get(listed.list).is_some_and(Option::is_some);
        has_lock && (self.mutable.select(&listed.row) || self.of(listed).is_none())
    }
}

/// What a row's source had, where all of it was brought.
fn approvable(outcome: &Outcome) -> Option<&ManifestHead> {
    match outcome.status {
        Status::Copied | Status::Unchanged => outcome.source.as_ref(),
        Status::Failed | Status::Skipped => None,
    }
}
