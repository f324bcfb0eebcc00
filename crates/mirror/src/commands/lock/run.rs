//! Running `mirror lock`.

use clap::Args;
use image_name::full_repository;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use images_list::{ApprovedDigest, FollowedRow, Lock, Row, Targets};

use super::approve::approve;
use super::report::LockedReport;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::cli::key_value::ListArgs;
use crate::files::atomic_file::StagedFile;
use crate::files::list_file::{self, ListFile, RowLocation};
use crate::files::lock_file::{self, LockFile, LockFileError};
use crate::files::locked_files::LockedFiles;
use crate::files::targets_file;
use crate::registries::availability::{Availability, AvailabilityChecker, ImageTag};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::globs::Globs;
use crate::rows::mutable_args::AllowEmptyArgs;
use crate::rows::pinned;
use crate::rows::report_file::{Provenance, ReportFileArgs};
use crate::rows::selection;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// The arguments of `lock`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror lock                                     lock the rows that are not locked
  mirror lock --update --match quay.io/a/b:1.2    approve the current digest of a moved tag
  mirror lock --check                             check that all rows are locked, offline

The lock is the file LIST.lock beside the list. Commit it with the list.")]
pub(crate) struct LockArgs {
    /// Replace the digests of locked rows with the current ones
    #[arg(long)]
    pub(crate) update: bool,
    /// Exit 1 if a row has no line in the lock or a line has no row; write nothing
    ///
    /// No request is sent.
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
    /// Lock only rows with a matching source or destination
    ///
    /// A pattern matches names with or without :TAG. `*` matches `/` too.
    #[arg(long = "match", value_name = "GLOB")]
    pub(crate) globs: Vec<String>,
    /// Do not lock signatures, SBOMs and other referrers
    ///
    /// Those of an image whose digest stays are kept.
    #[arg(long, conflicts_with = "check")]
    pub(crate) no_referrers: bool,
    #[command(flatten)]
    pub(crate) empty: AllowEmptyArgs,
    #[command(flatten)]
    pub(crate) report: ReportFileArgs,
    #[command(flatten)]
    pub(crate) lists: ListArgs,
}

/// Runs the command. Exits with 1 if a row is not locked at the end.
///
/// # Errors
///
/// [`Failure`] for a list or lock that cannot be read or written.
pub(crate) async fn run(session: &Session, args: &LockArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let targets = targets_file::require_valid(&session.common, &paths)?;
    let globs = Globs::parse("--match", &args.globs)?.with_targets(Arc::clone(&targets));
    list_file::refuse_stdin(&paths)?;
    args.report.begin()?;
    let provenance = Provenance::now();
    let report = if args.check {
        check(session, args, (&paths, &targets), &globs)?
    } else {
        let stop = session.signals.listen()?;
        // `lock` does not await while it writes, so an interrupt leaves all locks written or none.
        tokio::select! {
            report = Box::pin(lock(session, args, (&paths, &targets), &globs)) => report?,
            () = stop.cancelled() => return Err(Failure::interrupted("interrupted; nothing was written")),
        }
    };
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &report.problems);
    let exit = match report.problems.len() {
        0 => Exit::Done,
        all if all == report.refused => Exit::Refused,
        _ => Exit::Failed,
    };
    let document = report.document(&provenance);
    let exit = args.report.write(session, &document, exit);
    session.output.write_outcome(&report, &document, exit)?;
    Ok(exit)
}

/// Compares lists with their locks. No request is sent.
fn check(
    session: &Session,
    args: &LockArgs,
    (paths, targets): (&[PathBuf], &Arc<Targets>),
    globs: &Globs,
) -> Result<LockedReport, Failure> {
    let lists = read_lists(session, args, (paths, targets), globs)?;
    let mut report = LockedReport::default();
    for file in &lists {
        match LockFile::read(file) {
            Ok(lock) => {
                report.add_list(file, lock.as_ref().map(|lock| &lock.lock));
                report.problems.extend(gaps(file, lock.as_ref(), globs));
            }
            Err(LockFileError::Invalid(problems)) => {
                report.invalid_locks += 1;
                report.problems.extend(lock_file::with_repair(problems));
            }
            Err(LockFileError::Unreadable(failure)) => return Err(failure),
        }
    }
    Ok(report)
}

/// Reads the lists, and checks that the patterns match a row.
fn read_lists(
    session: &Session,
    args: &LockArgs,
    (paths, targets): (&[PathBuf], &Arc<Targets>),
    globs: &Globs,
) -> Result<Vec<ListFile>, Failure> {
    let lists = list_file::read_all(paths, targets)?;
    selection::refuse_invalid_rows(session, &lists)?;
    if !args.empty.is_allowed {
        let followed = locked_followed_rows(&lists);
        let has_row = lists.iter().any(|file| file.list.rows().next().is_some());
        if !has_row && followed.is_empty() {
            return Err(list_file::no_row(&lists));
        }
        globs.require_a_row(&lists, &followed)?;
    }
    Ok(lists)
}

/// Returns the rows of followed entries in the locks. Invalid locks are reported later.
fn locked_followed_rows(lists: &[ListFile]) -> Vec<Row> {
    let locks = lists.iter().filter_map(|file| LockFile::read(file).ok()?);
    let rows = locks.map(|file| {
        let rows = file.lock.followed().into_iter();
        rows.map(|followed| followed.row.clone())
            .collect::<Vec<_>>()
    });
    rows.flatten().collect()
}

/// Looks up the images before it locks the files, because registries can be slow. The lists may
/// change in the meantime, so they are read again after locking.
async fn lock(
    session: &Session,
    args: &LockArgs,
    (paths, targets): (&[PathBuf], &Arc<Targets>),
    globs: &Globs,
) -> Result<LockedReport, Failure> {
    let lists = read_lists(session, args, (paths, targets), globs)?;
    let is_selected =
        |row: &Row, lock: &Lock| globs.select(row) && (args.update || lock.get(row).is_none());
    let mut selected = Vec::new();
    for file in &lists {
        let lock = LockFile::read_or_new(file)?;
        let rows = lockable_rows(file, &lock).into_iter();
        selected.extend(rows.filter(|(row, _)| is_selected(row, &lock.lock)));
    }
    let signatures = SignatureCheck::read(session, paths)?;
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let _waiting = session.progress_display.show_requests(checker.client());
    let selected = selected.iter().map(|(row, _)| ImageTag::from(row));
    let images = if args.no_referrers {
        checker.images(selected).await
    } else {
        checker.approvals(selected).await
    };
    let written = write(&lists, &images, is_selected).await;
    written.map_err(Failure::after_requests)
}

/// Locks the files, and writes the digests of the images.
async fn write(
    lists: &[ListFile],
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    is_selected: impl Fn(&Row, &Lock) -> bool,
) -> Result<LockedReport, Failure> {
    let locked = LockedFiles::lock(lists).await?;
    let lists = list_file::read_again(lists)?;
    let mut report = LockedReport::default();
    let mut staged = Vec::new();
    for file in &lists {
        let mut lock = LockFile::read_or_new(file)?;
        let rows = lockable_rows(file, &lock);
        for (row, location) in rows.iter().filter(|(row, _)| is_selected(row, &lock.lock)) {
            let Some((message, is_refused)) = lookup_error(row, images) else {
                continue;
            };
            let is_gone = matches!(
                images.get(&ImageTag::from(row)),
                Some(Availability::Missing)
            );
            if is_gone && lock.lock.entry(row).is_some() {
                // Tags that an entry no longer follows stay in the mirror and in the lock.
                tracing::warn!("the line of `{row}` is kept: {message}");
                continue;
            }
            let message = format!("`{row}` is not locked: {message}");
            report.add_problem(location.finding(message), is_refused);
        }
        let approved = approve(images, &rows, &mut lock.lock, &is_selected);
        for (location, message) in approved.other_signers {
            report.add_problem(location.finding(message), false);
        }
        report.changes.extend(approved.changes);
        report.add_list(file, Some(&lock.lock));
        staged.extend(lock.stage(&file.list)?);
    }
    staged.into_iter().try_for_each(StagedFile::commit)?;
    drop(locked);
    Ok(report)
}

/// Returns the rows that can be locked, with their locations: those of the list, then those of followed
/// entries that the lock has.
fn lockable_rows(file: &ListFile, lock: &LockFile) -> Vec<(Row, RowLocation)> {
    let listed: HashSet<&Row> = file.list.rows().map(|at| at.row).collect();
    let followed = lock.lock.followed().into_iter();
    let followed = followed.filter(|followed| !listed.contains(followed.row));
    let followed = followed.map(|FollowedRow { row, .. }| {
        let location = RowLocation {
            file: lock.name.as_str().into(),
            line: lock.lock.line(row).unwrap_or(1),
        };
        (row.clone(), location)
    });
    let rows = file.list.rows();
    rows.map(|at| (at.row.clone(), file.location(at.line)))
        .chain(followed)
        .collect()
}

/// Returns the selected rows without a line in the lock, and the selected lines without a row.
fn gaps(file: &ListFile, lock: Option<&LockFile>, globs: &Globs) -> Vec<Finding> {
    let mut found = Vec::new();
    for at in file.list.rows().filter(|at| globs.select(at.row)) {
        let locked = lock.and_then(|lock| Some((lock, lock.lock.get(at.row)?)));
        if let Some((lock, locked)) = locked {
            found.extend(
                pinned::contradiction(at.row, locked).map(|message| Finding {
                    file: lock.name.clone(),
                    line: lock.lock.line(at.row).unwrap_or(1),
                    message,
                }),
            );
        } else if at.row.tag.pin().is_none() {
            let message = format!("`{}` is not locked; run `mirror lock`", at.row);
            found.push(file.location(at.line).finding(message));
        }
    }
    let Some(lock) = lock else { return found };
    for (line, row) in lock.lock.stale(&file.list) {
        if globs.select(row) {
            found.push(Finding {
                file: lock.name.clone(),
                line,
                message: format!(
                    "`{row}` is locked but not in {}; run `mirror lock` to remove the line",
                    file.name
                ),
            });
        }
    }
    found
}

/// Returns the reason why the image of a row was not found, and true for refused credentials.
fn lookup_error(
    row: &Row,
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
) -> Option<(String, bool)> {
    let image = row.copied_reference();
    match images.get(&ImageTag::from(row)) {
        Some(Availability::Found(_)) => None,
        Some(Availability::Missing) => {
            let repository = full_repository(&image);
            let message = format!(
                "{} does not exist; list the tags with `mirror tags {repository}`",
                image.whole()
            );
            Some((message, false))
        }
        Some(
            Availability::Unchecked(error)
            | Availability::Failed(error)
            | Availability::Rejected(error),
        ) => Some((error.message.clone(), error.refused)),
        None => {
            let message = "the row was added during the run; run `mirror lock` again";
            Some((message.to_owned(), false))
        }
    }
}
