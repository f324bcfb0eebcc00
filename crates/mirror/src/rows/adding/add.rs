//! Adding images to the lists on disk.

use std::path::PathBuf;

use super::{AddOutcome, AddRequest, Additions, Checks, ListEdit, Plan, Verdict, plan};
use crate::cli::failure::Failure;
use crate::files::atomic_file::{self, StagedFile};
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::files::targets_file;
use crate::files::unified_diff::unified_diff;
use crate::registries::availability::AvailabilityChecker;
use crate::rows::selection;
use crate::session::Session;

/// Maximum attempts while other runs change the lists, so that further checks are needed.
const MAX_ATTEMPTS: usize = 5;

/// Options for problems, existing rows and writing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddOptions {
    /// Add the images without problems although others have some.
    pub(crate) keep_going: bool,
    /// Existing rows are not problems.
    pub(crate) skip_existing: bool,
    /// Write nothing.
    pub(crate) dry_run: bool,
    /// Sort the lists that get rows.
    pub(crate) sort: bool,
}

/// Adds images to the lists.
///
/// The lists are not locked during the checks, since registries may be slow. They are locked, read
/// and planned again before the write.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or written.
pub(crate) async fn add(
    session: &Session,
    checker: &AvailabilityChecker,
    options: AddOptions,
    request: &AddRequest,
    paths: &[PathBuf],
) -> Result<Additions, Failure> {
    let targets = targets_file::require_valid(&session.common, paths)?;
    request.check_targets(&targets)?;
    let mut lists = list_file::read_all(paths, &targets)?;
    selection::refuse_invalid_rows(session, &lists)?;
    // An invalid lock fails before the first request.
    let mut has_lock = false;
    for file in &lists {
        has_lock |= LockFile::read(file)?.is_some();
    }
    let mut checks = Checks::new(has_lock);
    for _ in 0..MAX_ATTEMPTS {
        let planned = plan(&lists, request);
        if !options.dry_run {
            refuse_read_only(&lists, &planned)?;
        }
        checks.complete(checker, &planned).await;
        if options.dry_run {
            return finish(options, request, &lists, planned, &checks);
        }
        let locked = LockedFiles::lock(&lists).await;
        let locked = locked.map_err(Failure::after_requests)?;
        lists = list_file::read_again(&lists).map_err(Failure::after_requests)?;
        if lists
            .iter()
            .any(|file| !file.list.invalid_rows().is_empty())
        {
            selection::refuse_invalid_rows(session, &lists).map_err(Failure::after_requests)?;
        }
        let planned = plan(&lists, request);
        if checks.cover(&planned) {
            let report = finish(options, request, &lists, planned, &checks);
            drop(locked);
            return report.map_err(Failure::after_requests);
        }
    }
    Err(
        Failure::failed("other runs keep changing the list; nothing was written")
            .hint("run again when they have finished".to_owned()),
    )
}

/// Refuses lists that cannot be written, before the first request.
fn refuse_read_only(lists: &[ListFile], planned: &Plan) -> Result<(), Failure> {
    let mut written: Vec<usize> = planned
        .verdicts
        .iter()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Add(row) => Some(row.list),
            Verdict::Present(..) | Verdict::Refused(_) => None,
        })
        .collect();
    written.sort_unstable();
    written.dedup();
    for file in written.iter().filter_map(|list| lists.get(*list)) {
        let name = &file.name;
        let mode = std::fs::metadata(&file.path).map(|metadata| metadata.permissions());
        // A rename replaces read-only files too.
        if mode.is_ok_and(|mode| mode.readonly()) {
            return Err(Failure::unusable(format!(
                "cannot write {name}: it is read-only; nothing was written"
            ))
            .hint(format!(
                "run `chmod u+w {name}`, or print the changes with --dry-run"
            )));
        }
        atomic_file::stage(&file.path, b"")?;
    }
    Ok(())
}

/// Writes the rows without problems. With any problem, nothing is written unless `keep_going` is
/// set.
fn finish(
    options: AddOptions,
    request: &AddRequest,
    lists: &[ListFile],
    planned: Plan,
    checks: &Checks,
) -> Result<Additions, Failure> {
    let mut outcome = AddOutcome::new(planned, checks, options.skip_existing);
    outcome.sort = options.sort;
    let passed = outcome.rows.len();
    if !options.keep_going && !outcome.problems.is_empty() {
        outcome.rows.clear();
    }
    let mut report = Additions {
        rows: Vec::new(),
        diff: options.dry_run.then(String::new),
        requested: request.images.len(),
        passed,
        is_new: request.destination.is_new(),
        outcome,
    };
    let mut staged = Vec::new();
    for (at, file) in lists.iter().enumerate() {
        let lock = LockFile::read(file)?;
        let edit = ListEdit::new(file, at, lock, &report.outcome, checks);
        if edit.rows.is_empty() {
            continue;
        }
        if !options.sort && file.list.is_out_of_order() {
            report.outcome.warnings.push(format!(
                "{} is out of order, so new rows may be far from the rows of their image: sort it \
                 with `mirror fmt`",
                file.name
            ));
        }
        report.rows.extend(edit.rows);
        if let Some(diff) = &mut report.diff {
            *diff += &unified_diff(&file.name, &file.list.to_string(), &edit.text);
            if let Some(lock) = &edit.lock {
                *diff += &unified_diff(&lock.file.name, lock.file.text(), &lock.text);
            }
            continue;
        }
        // The lock comes first: a lock line without its row has no effect, while a row without
        // its lock line is not approved.
        if let Some(lock) = &edit.lock {
            staged.push(lock.file.stage_text(&lock.text)?);
        }
        staged.push(atomic_file::stage(&file.path, edit.text.as_bytes())?);
    }
    staged.into_iter().try_for_each(StagedFile::commit)?;
    Ok(report)
}
