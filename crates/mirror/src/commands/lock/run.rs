//! `mirror lock`: approving what the list's tags point to now.

use clap::Args;
use image_name::full_repository;
use std::collections::HashMap;
use std::path::PathBuf;

use images_list::{ApprovedDigest, Lock, NumberedRow, Row};

use super::approve::approve;
use super::report::LockedReport;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::cli::key_value::ListArgs;
use crate::files::atomic_file::StagedFile;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{LockFile, LockFileError};
use crate::files::locked_files::LockedFiles;
use crate::registries::availability::{Availability, AvailabilityChecker, ImageTag};
use crate::rows::globs::Globs;
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The arguments of `lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror lock                                     approve what is not locked yet
  mirror lock --update --match quay.io/a/b:1.2    approve what this tag points to now
  mirror lock --check                             offline: is every row locked?

The lock stands beside the list, LIST.lock, and is committed with it.")]
pub(crate) struct LockArgs {
    /// Approve anew what is locked already: a digest that has changed is replaced
    #[arg(long)]
    pub(crate) update: bool,
    /// Ask nobody and write nothing; exit 1 if a row is not locked or a line has no row
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
    /// Only rows whose source or destination matches, with or without :TAG; `*` matches `/` too
    #[arg(long = "match", value_name = "GLOB", value_delimiter = ',')]
    pub(crate) globs: Vec<String>,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}

/// Runs the command: exit 1 where a row could not be locked, or is not.
///
/// # Errors
///
/// [`Failure`] for lists and locks that cannot be read or written.
pub(crate) async fn run(session: &Session, args: &LockArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let globs = Globs::parse("--match", &args.globs)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let report = if args.check {
        check(session, &paths, &globs)?
    } else {
        let stop = session.signals.listen()?;
        // Between two awaits lies all of the writing: it is done or it is not.
        tokio::select! {
            report = Box::pin(lock(session, args, &paths, &globs)) => report?,
            () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
        }
    };
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &report.problems);
    session.output.write(&report, &report.document())?;
    Ok(match report.problems.len() {
        0 => Exit::Done,
        all if all == report.refused => Exit::Refused,
        _ => Exit::Failed,
    })
}

/// Compares lists with their locks. No request is sent.
fn check(session: &Session, paths: &[PathBuf], globs: &Globs) -> Result<LockedReport, Failure> {
    let lists = list_file::read_all(paths)?;
    selection::refuse_invalid_rows(session, &lists)?;
    let mut report = LockedReport::default();
    for file in &lists {
        match LockFile::read(file) {
            Ok(lock) => {
                report.add_list(file, lock.as_ref().map(|lock| &lock.lock));
                report.problems.extend(gaps(file, lock.as_ref(), globs));
            }
            Err(LockFileError::Invalid(problems)) => report.problems.extend(problems),
            Err(LockFileError::Unreadable(failure)) => return Err(failure),
        }
    }
    Ok(report)
}

/// Asks without holding the lists, since that takes as long as registries take;
/// then holds them, and enters what they still want.
async fn lock(
    session: &Session,
    args: &LockArgs,
    paths: &[PathBuf],
    globs: &Globs,
) -> Result<LockedReport, Failure> {
    let lists = list_file::read_all(paths)?;
    selection::refuse_invalid_rows(session, &lists)?;
    let is_selected =
        |row: &Row, lock: &Lock| globs.select(row) && (args.update || lock.get(row).is_none());
    let mut open = Vec::new();
    for file in &lists {
        let lock = LockFile::read_or_new(file)?;
        let rows = file.list.rows();
        open.extend(
            rows.filter(|at| is_selected(at.row, &lock.lock))
                .map(|at| at.row),
        );
    }
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?;
    let images = checker.images(open.into_iter().map(ImageTag::from)).await;
    let held = LockedFiles::lock(&lists).await?;
    let lists = list_file::read_all(paths)?;
    let mut report = LockedReport::default();
    let mut staged = Vec::new();
    for file in &lists {
        let mut lock = LockFile::read_or_new(file)?;
        for at in file
            .list
            .rows()
            .filter(|at| is_selected(at.row, &lock.lock))
        {
            report.add_problem(problem(file, &at, &images));
        }
        let changes = approve(&images, &file.list, &mut lock.lock, is_selected);
        report.changes.extend(changes);
        report.add_list(file, Some(&lock.lock));
        staged.extend(lock.stage(&file.list)?);
    }
    staged.into_iter().try_for_each(StagedFile::commit)?;
    drop(held);
    Ok(report)
}

/// Selected rows without a line in the lock, and lines of the lock without a
/// row. Without a lock nothing is locked.
fn gaps(file: &ListFile, lock: Option<&LockFile>, globs: &Globs) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in file.list.rows().filter(|at| globs.select(at.row)) {
        if lock.is_none_or(|lock| lock.lock.get(at.row).is_none()) {
            found.push(Finding {
                file: file.name.clone(),
                line: at.line,
                message: format!("`{}` is not locked: run `mirror lock`", at.row),
            });
        }
    }
    let Some(lock) = lock else { return found };
    for (line, row) in lock.lock.stale(&file.list) {
        if globs.select(row) {
            found.push(Finding {
                file: lock.name.clone(),
                line,
                message: format!(
                    "`{row}` is locked and not in {}: run `mirror lock`, which drops it",
                    file.name
                ),
            });
        }
    }
    found
}

/// Why a row cannot be locked, and whether that is refused credentials.
fn problem(
    file: &ListFile,
    at: &NumberedRow<'_>,
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
) -> Option<(Finding, bool)> {
    let image = at.row.source_reference();
    let (message, refused) = match images.get(&ImageTag::from(at.row)) {
        Some(Availability::Found(_)) => return None,
        Some(Availability::Missing) => {
            let repository = full_repository(&image);
            let name = image.whole();
            let message =
                format!("{name} does not exist: see what there is with `mirror tags {repository}`");
            (message, false)
        }
        Some(Availability::Unchecked(error) | Availability::Failed(error)) => {
            (error.message.clone(), error.refused)
        }
        None => ("the row is new since: run this again".to_owned(), false),
    };
    let finding = Finding {
        file: file.name.clone(),
        line: at.line,
        message: format!("`{}` is not locked: {message}", at.row),
    };
    Some((finding, refused))
}
