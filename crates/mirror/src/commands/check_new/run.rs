//! `mirror check-new`: can what a branch adds be mirrored?

use std::collections::HashMap;

use images_list::{Approved, List, Lock, Repository};

use super::args::CheckNewArgs;
use super::change::Change;
use super::findings::Checked;
use super::locked::{Allowed, LockChange};
use super::report::CheckedReport;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::files::config_file;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{self, LockFile, LockFileError};
use crate::files::revision;
use crate::registries::availability::{Availability, AvailabilityChecker, ImageTag};
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// Runs the command: exit 1 with findings.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read and bases that git does not know.
pub(crate) async fn run(session: &Session, args: &CheckNewArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let of_config = config_file::findings(&session.common)?;
    let stop = session.signals.listen()?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    let lists = list_file::read_all(&paths)?;
    let mut checked = tokio::select! {
        checked = Box::pin(check(session, args, &lists)) => checked?,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; not all was checked")),
    };
    checked.problems.extend(of_config);
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &checked.findings());
    github_actions::annotate(github, Level::Warning, &checked.warnings());
    let report = CheckedReport {
        checked: &checked,
        is_verbose: session.is_verbose(),
    };
    github_actions::add_to_step_summary(github, &report.summary());
    session.output.write(&report, &report.document())?;
    Ok(checked.exit())
}

async fn check(
    session: &Session,
    args: &CheckNewArgs,
    lists: &[ListFile],
) -> Result<Checked, Failure> {
    let (base, old) = before(args, lists).await?;
    let change = Change::between(&old, lists);
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?;
    let (images, destinations) = check_rows(&checker, &change).await;
    let mut problems: Vec<Finding> = list_file::check(lists)
        .into_iter()
        .map(|found| found.finding)
        .collect();
    let allowed = Allowed {
        mutable: args.locked.mutable()?,
        approvals: args.allow_approvals,
    };
    for file in lists {
        match lock_change(file, &base).await? {
            Ok(lock) => problems.extend(lock.findings(&change, &images, &allowed)),
            Err(wrong) => problems.extend(wrong),
        }
    }
    Ok(Checked {
        base,
        rows: Checked::rows_of(&change, &images, &destinations),
        removed: change.removed,
        problems,
        allow_removals: args.allow_removals,
        strict: args.strict,
    })
}

/// The commit that the branch left its base at, and the lists as they were
/// there. One that did not exist was empty.
async fn before(args: &CheckNewArgs, lists: &[ListFile]) -> Result<(String, Vec<List>), Failure> {
    let mut first = None;
    let mut old = Vec::new();
    for file in lists {
        let base = revision::merge_base(args.base.as_deref(), &file.path).await?;
        old.push(match revision::content_at(&base, &file.path).await? {
            None => List::default(),
            Some(bytes) => List::from_bytes(&bytes)
                .map_err(|error| Failure::unusable(format!("{} of {base}: {error}", file.name)))?,
        });
        first.get_or_insert(base);
    }
    Ok((first.unwrap_or_default(), old))
}

/// A list's lock, now and at the base. What is no lock now is a finding; what
/// was none at the base approved nothing.
async fn lock_change<'a>(
    file: &'a ListFile,
    base: &str,
) -> Result<Result<LockChange<'a>, Vec<Finding>>, Failure> {
    let new = match LockFile::read(file) {
        Ok(new) => new,
        Err(LockFileError::Wrong(problems)) => return Ok(Err(problems)),
        Err(LockFileError::Unreadable(failure)) => return Err(failure),
    };
    let old = revision::content_at(base, &lock_file::path_of(&file.path)).await?;
    let old = old.and_then(|bytes| Lock::parse(&String::from_utf8_lossy(&bytes)).ok());
    Ok(Ok(LockChange { file, old, new }))
}

/// Checks every new image and every new destination, all concurrently: the slowest registry
/// decides how long it takes.
async fn check_rows(
    checker: &AvailabilityChecker,
    change: &Change,
) -> (
    HashMap<ImageTag, Availability<Approved>>,
    HashMap<Repository, Availability>,
) {
    let images = change.added.iter().map(|added| ImageTag::from(&added.row));
    let destinations = change.new_destinations.iter().cloned();
    futures::join!(checker.images(images), checker.repositories(destinations))
}
