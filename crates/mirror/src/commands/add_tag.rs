//! `mirror add-tag`: rows for further tags, after checking each.

use std::path::PathBuf;

use images_list::{Inserted, List};

use crate::adding::{
    AddedRow, Checks, Destination, LockedFiles, Outcome, Plan, Verdict, Wanted, plan,
};
use crate::args::AddTagArgs;
use crate::atomic_file::{self, Staged};
use crate::availability::Lookout;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::github;
use crate::list_file::{self, ListFile};
use crate::lock_file::LockFile;
use crate::render::{AddedReport, unified_diff};
use crate::selection;
use crate::session::Session;

/// How often it is begun anew because the list changed in the meantime in a way
/// that asks for further checks.
const ROUNDS: usize = 5;

/// Runs the command: exit 1 where an image was not added.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or written, and words that name no
/// image.
pub(super) async fn run(session: &Session, args: &AddTagArgs) -> Result<Exit, Failure> {
    let (wanted, images_file) = args.wanted(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let stop = session.signals.listen()?;
    // Between two awaits lies all of the writing: it is done or it is not.
    let report = tokio::select! {
        report = Box::pin(add(session, args, &wanted, &paths)) => report?,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
    };
    for warning in &report.outcome.warnings {
        tracing::warn!("{warning}");
    }
    github::summarise(session.environment.github.as_ref(), &report.summary());
    session.output.write(&report, &report.document())?;
    Ok(report.outcome.exit())
}

/// Checks without holding the lists, since that takes as long as registries
/// take; then holds them, looks again at what they say now, and writes.
async fn add(
    session: &Session,
    args: &AddTagArgs,
    wanted: &Wanted,
    paths: &[PathBuf],
) -> Result<AddedReport, Failure> {
    let mut lists = list_file::read_all(paths)?;
    selection::refuse_wrong_rows(session, &lists)?;
    // Known before anybody is asked, not after.
    for file in &lists {
        LockFile::read(file)?;
    }
    let lookout = Lookout::new(&session.common, &session.environment)?;
    let mut checks = Checks::default();
    for _ in 0..ROUNDS {
        let planned = plan(&lists, wanted);
        if !args.dry_run {
            refuse_read_only(&lists, &planned)?;
        }
        checks.complete(&lookout, &planned, wanted).await;
        if args.dry_run {
            return finish(args, wanted, &lists, planned, &checks);
        }
        let locked = LockedFiles::lock(&lists).await?;
        lists = list_file::read_all(paths)?;
        if lists.iter().any(|file| !file.list.wrong_rows().is_empty()) {
            selection::refuse_wrong_rows(session, &lists)?;
        }
        let planned = plan(&lists, wanted);
        if checks.cover(&planned) {
            let report = finish(args, wanted, &lists, planned, &checks);
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
    args: &AddTagArgs,
    wanted: &Wanted,
    lists: &[ListFile],
    planned: Plan,
    checks: &Checks,
) -> Result<AddedReport, Failure> {
    let mut outcome = Outcome::of(planned, checks, wanted, args.skip_existing);
    let passed = outcome.rows.len();
    if !args.keep_going && !outcome.problems.is_empty() {
        outcome.rows.clear();
    }
    let mut report = AddedReport {
        rows: Vec::new(),
        diff: args.dry_run.then(String::new),
        asked: wanted.pairs.len(),
        passed,
        is_new: matches!(wanted.destination, Destination::New(_)),
        outcome,
    };
    let mut staged = Vec::new();
    for (at, file) in lists.iter().enumerate() {
        let (text, rows) = with_rows(file, at, &report.outcome);
        if rows.is_empty() {
            continue;
        }
        let lock = with_approvals(file, &rows, checks)?;
        report.rows.extend(rows);
        if let Some(diff) = &mut report.diff {
            *diff += &unified_diff(&file.name, &file.list.to_string(), &text);
            if let Some(lock) = &lock {
                *diff += &unified_diff(
                    &lock.name,
                    lock.text(),
                    &lock.lock.text(&List::parse(&text)),
                );
            }
            continue;
        }
        // The lock first: a line without its row approves nothing, a row
        // without its line is what a lock is there to prevent.
        if let Some(lock) = &lock {
            staged.extend(lock.stage(&List::parse(&text))?);
        }
        staged.push(atomic_file::stage(&file.path, text.as_bytes())?);
    }
    staged.into_iter().try_for_each(Staged::commit)?;
    Ok(report)
}

/// The lock of a list that has one, with what the checks saw of its new rows.
fn with_approvals(
    file: &ListFile,
    rows: &[AddedRow],
    checks: &Checks,
) -> Result<Option<LockFile>, Failure> {
    let mut lock = LockFile::read(file)?;
    for AddedRow { row, .. } in rows {
        if let (Some(lock), Some(approved)) = (&mut lock, checks.approved(row)) {
            lock.lock.set(row.clone(), approved.clone());
        }
    }
    Ok(lock)
}

/// The list's new text, and the rows that are new in it, in its order.
fn with_rows(file: &ListFile, at: usize, outcome: &Outcome) -> (String, Vec<AddedRow>) {
    let mut list = file.list.clone();
    let mut new = Vec::new();
    for planned in outcome.rows.iter().filter(|planned| planned.list == at) {
        if let Inserted::New { .. } = list.insert(planned.row.clone()) {
            new.push(&planned.row);
        }
    }
    let rows = list.rows().filter(|found| new.contains(&found.row));
    let rows = rows.map(|found| AddedRow {
        row: found.row.clone(),
        file: file.name.clone(),
        line: found.line,
    });
    (list.to_string(), rows.collect())
}
