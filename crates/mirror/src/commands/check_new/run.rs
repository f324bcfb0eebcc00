//! `mirror check-new`: can what a branch adds be mirrored?

use std::collections::HashMap;
use std::path::PathBuf;

use image_name::RepositoryName;
use images_list::{ApprovedDigest, List, Lock};

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
use crate::git::{Git, Links, Purpose, TrackedPath};
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
    let paths = list_file::paths(&session.common.images_list, images_file);
    let stop = session.signals.listen()?;
    let checkout = Checkout::find(session, &paths).await?;
    let of_config = config_file::findings(&session.common)?;
    let lists = list_file::read_all(&paths)?;
    let mut checked = tokio::select! {
        checked = Box::pin(check(session, args, &checkout, &lists)) => checked?,
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
    checkout: &Checkout,
    lists: &[ListFile],
) -> Result<Checked, Failure> {
    let base = checkout.git.merge_base(args.base.as_deref()).await?;
    let old = checkout.lists_at(&base, lists).await?;
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
    for (file, tracked) in lists.iter().zip(&checkout.files) {
        match lock_change(checkout, file, &tracked.lock, &base).await? {
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

/// The paths of a list and its lock in the repository.
#[derive(Debug)]
struct TrackedList {
    list: TrackedPath,
    lock: TrackedPath,
}

/// The checkout of the branch.
#[derive(Debug)]
struct Checkout {
    git: Git,
    /// In the order in which the lists were named.
    files: Vec<TrackedList>,
}

impl Checkout {
    /// Finds the lists in the repository. No file that the branch decides about may be a symbolic
    /// link, so this runs before any of them is read.
    async fn find(session: &Session, lists: &[PathBuf]) -> Result<Self, Failure> {
        let git = Git::discover(&session.environment.git, Purpose::CheckNew).await?;
        git.refuse_links(&config_file::path(&session.common))?;
        let mut files = Vec::new();
        for list in lists {
            files.push(TrackedList {
                list: git.track(list, Links::Refuse)?,
                lock: git.track(&lock_file::path_of(list), Links::Refuse)?,
            });
        }
        Ok(Self { git, files })
    }

    /// Returns the lists as they were in a commit. A list that did not exist was empty.
    async fn lists_at(&self, commit: &str, lists: &[ListFile]) -> Result<Vec<List>, Failure> {
        let mut old = Vec::new();
        for (file, tracked) in lists.iter().zip(&self.files) {
            old.push(match self.git.content_at(commit, &tracked.list).await? {
                None => List::default(),
                Some(bytes) => List::from_bytes(&bytes).map_err(|error| {
                    Failure::unusable(format!("{} of {commit}: {error}", file.name))
                })?,
            });
        }
        Ok(old)
    }
}

/// A list's lock, now and at the base. What is no lock now is a finding; what
/// was none at the base approved nothing.
async fn lock_change<'a>(
    checkout: &Checkout,
    file: &'a ListFile,
    tracked: &TrackedPath,
    base: &str,
) -> Result<Result<LockChange<'a>, Vec<Finding>>, Failure> {
    let new = match LockFile::read(file) {
        Ok(new) => new,
        Err(LockFileError::Invalid(problems)) => return Ok(Err(problems)),
        Err(LockFileError::Unreadable(failure)) => return Err(failure),
    };
    let old = checkout.git.content_at(base, tracked).await?;
    let old = old.and_then(|bytes| Lock::parse(&String::from_utf8_lossy(&bytes)).ok());
    Ok(Ok(LockChange { file, old, new }))
}

/// Checks every new image and every new destination, all concurrently: the slowest registry
/// decides how long it takes.
async fn check_rows(
    checker: &AvailabilityChecker,
    change: &Change,
) -> (
    HashMap<ImageTag, Availability<ApprovedDigest>>,
    HashMap<RepositoryName, Availability>,
) {
    let images = change.added.iter().map(|added| ImageTag::from(&added.row));
    let destinations = change.new_destinations.iter().cloned();
    futures::join!(checker.images(images), checker.repositories(destinations))
}
