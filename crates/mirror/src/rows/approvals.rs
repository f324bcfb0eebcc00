//! Approvals: applied to the rows before a run, recorded in the locks after it.

use copier::{Approval, Outcome, Status};
use image_name::{AttachedDigest, Digest};
use images_list::{ApprovedDigest, Lock, Signer};
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
    locks: Vec<Option<Beside>>,
    mutable: Globs,
}

/// The lock beside a list.
#[derive(Debug)]
enum Beside {
    /// The file that was read.
    File(LockFile),
    /// The list has no lock yet; the run creates one for followed rows.
    New(LockFile),
}

impl Beside {
    fn lock(&self) -> &Lock {
        match self {
            Self::File(file) | Self::New(file) => &file.lock,
        }
    }
}

impl Approvals {
    /// Reads the locks beside the lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a lock that cannot be read or is invalid.
    pub(crate) fn read(lists: &[ListFile], mutable: Globs) -> Result<Self, Failure> {
        let read = |list| Ok::<_, Failure>(LockFile::read(list)?.map(Beside::File));
        let locks = lists.iter().map(read);
        let locks = locks.collect::<Result<_, _>>()?;
        Ok(Self { locks, mutable })
    }

    /// Prepares a new lock for the list that followed rows are locked beside, if it has none. Nothing is
    /// written yet.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the file cannot be written, before hours of work.
    pub(crate) fn prepare_new_lock(
        &mut self,
        lists: &[ListFile],
        rows: &[RunRow],
    ) -> Result<(), Failure> {
        let (Some(file), Some(beside)) = (lists.first(), self.locks.first_mut()) else {
            return Ok(());
        };
        if beside.is_some() || !rows.iter().any(|row| row.entry().is_some()) {
            return Ok(());
        }
        if list_file::is_stdin(&file.path) {
            tracing::warn!("followed tags are not locked: the list is standard input");
            return Ok(());
        }
        let lock = LockFile::read_or_new(file)?;
        lock.stage_text("").map_err(|failure| {
            failure.hint("make it writable, or run with --no-lock".to_owned())
        })?;
        *beside = Some(Beside::New(lock));
        Ok(())
    }

    /// Sets the approvals of the selected rows: those of the locks, and the pins.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows with another digest in the lock than in the list.
    pub(crate) fn apply(&self, rows: &mut [RunRow]) -> Result<(), Failure> {
        let mut problems = Vec::new();
        for RunRow { row, listed, .. } in rows {
            let Some(listed) = listed else { continue };
            let locked = self.get(listed);
            let message = locked.and_then(|locked| pinned::contradiction(&listed.row, locked));
            problems.extend(message.map(|message| listed.location.finding(message)));
            row.approved = match locked {
                Some(locked) => Some(self.approval(listed, locked)),
                None => pin(listed).map(Approval::pin),
            }
            .map(Box::new);
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

    /// Returns the approval of a row in its lock.
    pub(crate) fn approved(&self, listed: &ListedRow) -> Option<&ApprovedDigest> {
        self.get(listed)
    }

    fn get(&self, listed: &ListedRow) -> Option<&ApprovedDigest> {
        let beside = self.locks.get(listed.list)?.as_ref()?;
        beside.lock().get(&listed.row)
    }

    /// Removes the followed rows that are neither approved nor mutable (`--locked`), and returns them. Each
    /// fails alone: a new version upstream must not stop the other rows.
    pub(crate) fn take_unlocked_followed(&self, rows: &mut Vec<RunRow>) -> Vec<RunRow> {
        let is_unlocked = |row: &mut RunRow| {
            let listed = row.listed.as_ref().filter(|listed| listed.entry.is_some());
            listed.is_some_and(|listed| !self.is_mutable(listed) && self.get(listed).is_none())
        };
        rows.extract_if(.., is_unlocked).collect()
    }

    /// Checks that every row of a list without a mutable tag and without a pin is approved (`--locked`).
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the rows without one.
    pub(crate) fn require(&self, rows: &[RunRow]) -> Result<(), Failure> {
        let listed = rows.iter().filter_map(|row| row.listed.as_ref());
        let unapproved: Vec<_> = listed
            .filter(|listed| listed.entry.is_none() && listed.row.tag.pin().is_none())
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
            .filter_map(|copied| {
                let CopiedRow { row, outcome } = copied;
                let listed = row.listed.as_ref()?;
                let news = self.news(listed, outcome)?;
                let signer = run.signer(copied);
                Some((listed, News { signer, ..news }))
            })
            .collect();
        if copied.is_empty() {
            return Ok(());
        }
        let locked = LockedFiles::lock(lists).await?;
        let mut staged = Vec::new();
        for (at, file) in list_file::read_again(lists)?.iter().enumerate() {
            let is_new = matches!(self.locks.get(at), Some(Some(Beside::New(_))));
            let mut lock = match LockFile::read(file)? {
                Some(lock) => lock,
                None if is_new => LockFile::read_or_new(file)?,
                None => continue,
            };
            for (listed, news) in copied.iter().filter(|(listed, _)| listed.list == at) {
                self.add(&mut lock.lock, listed, news);
            }
            if let Some(new) = lock.stage(&file.list)? {
                match is_new {
                    true => log_new_lock(&lock, file),
                    false => tracing::info!("{}: recorded the copied digests", lock.name),
                }
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
            let approved = ApprovedDigest::new(digest.clone(), media_type);
            lock.set(row.clone(), approved.with_signer(news.signer.clone()));
        }
        if let Some(entry) = &listed.entry {
            lock.set_entry(row, entry.clone());
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
        let lock = self.locks.get(listed.list)?.as_ref()?.lock();
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
        let added = outcome.attached().added.iter().filter(|added| added.copied);
        let news = match approved {
            None => News {
                head,
                digest: &head.digest,
                attached: outcome.attached().present.clone(),
                signer: None,
            },
            Some(approved) => News {
                head,
                digest: approved.digest(),
                attached: added.map(|added| added.attached.clone()).collect(),
                signer: None,
            },
        };
        // A row that was in the list, or in another entry, must keep its line.
        let is_new_entry =
            listed.entry.is_some() && lock.entry(&listed.row) != listed.entry.as_ref();
        (approved.is_none() || is_new_entry || !news.attached.is_empty()).then_some(news)
    }
}

/// Logs that a lock was created. From then on, the rows of its list are locked too.
fn log_new_lock(lock: &LockFile, file: &ListFile) {
    let name = &lock.name;
    match file.list.rows().next() {
        None => tracing::info!("{name}: created for followed entries"),
        Some(_) => tracing::warn!(
            "{name}: created for followed entries; it locks the rows of {} too: name tags that may \
             change with --mutable, or run with --no-lock",
            file.name
        ),
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
    /// Its signer, if its signature was verified.
    signer: Option<Signer>,
}
