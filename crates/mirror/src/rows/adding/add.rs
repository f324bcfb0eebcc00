//! Adding images to the lists on disk.

use std::path::PathBuf;

use similar::TextDiff;

use super::{
    AddOutcome, AddRequest, Additions, Checks, Destination, ListEdit, Plan, Verdict, plan,
};
use crate::cli::failure::Failure;
use crate::files::atomic_file::{self, Staged};
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::LockFile;
use crate::files::locked_files::LockedFiles;
use crate::registries::availability::AvailabilityChecker;
use crate::rows::selection;
use crate::session::Session;

/// How often it is begun anew because the list changed in the meantime in a way
/// that asks for further checks.
const ROUNDS: usize = 5;

/// What to do about images that cannot be added, and whether to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddOptions {
    /// What passes is added although something does not.
    pub(crate) keep_going: bool,
    /// What the list has is no problem.
    pub(crate) skip_existing: bool,
    /// Nothing is written.
    pub(crate) dry_run: bool,
}

/// Checks without holding the lists, since that takes as long as registries
/// take; then holds them, looks again at what they say now, and writes.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or written.
pub(crate) async fn add(
    session: &Session,
    checker: &AvailabilityChecker,
    how: AddOptions,
    request: &AddRequest,
    paths: &[PathBuf],
) -> Result<Additions, Failure> {
    let mut lists = list_file::read_all(paths)?;
    selection::refuse_wrong_rows(session, &lists)?;
    // Known before anybody is asked, not after.
    for file in &lists {
        LockFile::read(file)?;
    }
    let mut checks = Checks::default();
    for _ in 0..ROUNDS {
        let planned = plan(&lists, request);
        if !how.dry_run {
            refuse_read_only(&lists, &planned)?;
        }
        checks.complete(checker, &planned, request).await;
        if how.dry_run {
            return finish(how, request, &lists, planned, &checks);
        }
        let locked = LockedFiles::lock(&lists).await?;
        lists = list_file::read_all(paths)?;
        if lists
            .iter()
            .any(|file| !file.list.invalid_rows().is_empty())
        {
            selection::refuse_wrong_rows(session, &lists)?;
        }
        let planned = plan(&lists, request);
        if checks.cover(&planned) {
            let report = finish(how, request, &lists, planned, &checks);
            drop(locked);
            return report;
        }
    }
    Err(
        Failure::failed("the list changes again and again; nothing was written")
            .hint("run this again when the others are done".to_owned()),
    )
}

/// Known before anybody is asked, not after.
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
        // A rename would replace such a file too, against its owner's will.
        if mode.is_ok_and(|mode| mode.readonly()) {
            return Err(Failure::unusable(format!(
                "cannot write {name}: it is read-only; nothing was written"
            ))
            .hint(format!(
                "allow it with `chmod u+w {name}`, or see with --dry-run what would be added"
            )));
        }
        atomic_file::stage(&file.path, b"")?;
    }
    Ok(())
}

/// Writes what passed, or nothing.
fn finish(
    how: AddOptions,
    request: &AddRequest,
    lists: &[ListFile],
    planned: Plan,
    checks: &Checks,
) -> Result<Additions, Failure> {
    let mut outcome = AddOutcome::new(planned, checks, request, how.skip_existing);
    let passed = outcome.rows.len();
    if !how.keep_going && !outcome.problems.is_empty() {
        outcome.rows.clear();
    }
    let mut report = Additions {
        rows: Vec::new(),
        diff: how.dry_run.then(String::new),
        asked: request.images.len(),
        passed,
        is_new: matches!(request.destination, Destination::New(_)),
        outcome,
    };
    let mut staged = Vec::new();
    for (at, file) in lists.iter().enumerate() {
        let edit = ListEdit::new(file, at, LockFile::read(file)?, &report.outcome, checks);
        if edit.rows.is_empty() {
            continue;
        }
        report.rows.extend(edit.rows);
        if let Some(diff) = &mut report.diff {
            *diff += &unified_diff(&file.name, &file.list.to_string(), &edit.text);
            if let Some(lock) = &edit.lock {
                *diff += &unified_diff(&lock.file.name, lock.file.text(), &lock.text);
            }
            continue;
        }
        // The lock first: a line without its row approves nothing, a row
        // without its line is what a lock is there to prevent.
        if let Some(lock) = &edit.lock {
            staged.push(lock.file.stage_text(&lock.text)?);
        }
        staged.push(atomic_file::stage(&file.path, edit.text.as_bytes())?);
    }
    staged.into_iter().try_for_each(Staged::commit)?;
    Ok(report)
}

/// The difference between two texts of a file, as `git apply` takes it.
fn unified_diff(name: &str, old: &str, new: &str) -> String {
    let name = name.trim_start_matches("./");
    let (before, after) = if name.starts_with('/') {
        (name.to_owned(), name.to_owned())
    } else {
        (format!("a/{name}"), format!("b/{name}"))
    };
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().header(&before, &after).to_string()
}
