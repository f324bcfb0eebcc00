//! Running `mirror check-new`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image_name::RepositoryName;
use images_list::{ApprovedDigest, List, Lock, Row, Targets};
use tag_retrieval::config::Config;

use super::args::CheckNewArgs;
use super::base::{BaseApprovals, BaseList};
use super::branch_check::{BranchCheck, CheckedRow};
use super::followed_destinations::FollowedDestinations;
use super::list_changes::ListChanges;
use super::lock_revisions::{ApprovalChange, LockPolicy, LockRevisions};
use super::passing_rows;
use super::policy_changes::TargetRevisions;
use super::policy_revisions::PolicyRevisions;
use super::report::CheckReport;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, Finding};
use crate::files::config_file::{self, ReadConfig};
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file::{self, LockFile, LockFileError};
use crate::files::targets_file::{self, ReadTargets};
use crate::git::{Git, Links, Purpose, TrackedPath};
use crate::registries::availability::{Availability, AvailabilityChecker, ImageTag};
use crate::rows::followed;
use crate::session::Session;
use crate::terminal::github_actions::{self, Level};

/// Runs the command. Exits with 1 if there are findings.
///
/// # Errors
///
/// [`Failure`] for a list that cannot be read, and for a base that git cannot resolve.
pub(crate) async fn run(session: &Session, args: &CheckNewArgs) -> Result<Exit, Failure> {
    let images_file = args.lists.images_file(&session.environment)?;
    let paths = list_file::paths(&session.common.images_list, images_file);
    list_file::refuse_stdin(&paths)?;
    let stop = session.signals.listen()?;
    let targets_path = targets_file::path(&session.common, &paths);
    let checkout = Checkout::find(session, &paths, &targets_path).await?;
    let (targets, target_problems) = match targets_file::read(&session.common, &paths)? {
        ReadTargets::Valid(targets) => (targets, Vec::new()),
        ReadTargets::Invalid(problems) => (Arc::default(), problems),
    };
    let config_problems = followed::config_findings(&session.common, &targets)?;
    let lists = list_file::read_all(&paths, &targets)?;
    let mut check = tokio::select! {
        check = Box::pin(check_branch(session, args, &checkout, &lists)) => check?,
        () = stop.cancelled() => return Err(Failure::interrupted("interrupted; some rows were not checked")),
    };
    check.problems.extend(config_problems);
    check.problems.extend(target_problems);
    let github = session.environment.github.as_ref();
    github_actions::annotate(github, Level::Error, &check.findings());
    github_actions::annotate(github, Level::Warning, &check.warnings());
    github_actions::annotate(github, Level::Notice, &check.notes());
    let report = CheckReport {
        check: &check,
        is_verbose: session.is_verbose(),
    };
    github_actions::add_to_step_summary(github, &report.summary());
    let exit = check.exit();
    session
        .output
        .write_outcome(&report, &report.document(), exit)?;
    Ok(exit)
}

async fn check_branch(
    session: &Session,
    args: &CheckNewArgs,
    checkout: &Checkout,
    lists: &[ListFile],
) -> Result<BranchCheck, Failure> {
    let base = checkout.git.merge_base(args.base.as_deref()).await?;
    let old = checkout.lists_at(&base, lists).await?;
    let targets = TargetRevisions {
        name: checkout.targets.0.display().to_string(),
        current: list_file::targets_of(lists),
        base: checkout.targets_at(&base, lists).await?,
    };
    let changes = ListChanges::between(&old, lists, &targets);
    let mut problems: Vec<Finding> = list_file::check(lists)
        .into_iter()
        .map(|found| found.finding)
        .collect();
    if !args.allow_policy_changes {
        problems.extend(targets.findings(&old, lists));
    }
    let paths: Vec<_> = lists.iter().map(|list| list.path.clone()).collect();
    let mut signatures = PolicyRevisions::read(session, &checkout.git, &base, &paths).await?;
    problems.append(&mut signatures.problems);
    if !args.allow_policy_changes {
        problems.extend(signatures.findings());
    }
    let signatures = signatures.checks(session, args.allow_policy_changes)?;
    let policy = LockPolicy {
        mutable: args
            .locked
            .mutable(lists, &locked_followed_rows(lists)?, args.empty)?,
        allow_approvals: args.allow_approvals,
    };
    let approvals = BaseApprovals::new(&old);
    let locked = read_locks(lists, &old, &mut problems)?;
    let changed_approvals: Vec<_> = locked
        .iter()
        .map(|locked| locked.changes(&approvals, &policy))
        .collect();
    let of_locks: Vec<_> = changed_approvals.iter().flatten().collect();
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let _waiting = session.progress_display.show_requests(checker.client());
    let followed = checkout.followed_at(session, &base, &targets).await?;
    let new_destinations = changes.new_destinations.iter().cloned();
    let new_destinations = new_destinations.chain(followed.repositories());
    let (images, destinations) = check_rows(&checker, &changes, new_destinations, &of_locks).await;
    problems.extend(followed.findings(&destinations, args.strict));
    for (locked, changed) in locked.iter().zip(&changed_approvals) {
        problems.extend(locked.findings(changed, &images, &policy));
    }
    Ok(BranchCheck {
        passing: checkout.passing_rows(&base, &old, lists).await?,
        base,
        rows: CheckedRow::all(&changes, &images, &destinations, &targets.current)
            .into_iter()
            .map(|row| row.signed(&checker))
            .collect(),
        removed: changes.removed,
        problems,
        allow_removals: args.allow_removals,
        strict: args.strict,
    })
}

/// Reads the locks of the lists. Problems of invalid locks are added.
fn read_locks<'a>(
    lists: &'a [ListFile],
    old: &[BaseList],
    problems: &mut Vec<Finding>,
) -> Result<Vec<LockRevisions<'a>>, Failure> {
    let mut locked = Vec::new();
    for ((index, list), old) in lists.iter().enumerate().zip(old) {
        let current = match LockFile::read(list) {
            Ok(current) => current,
            Err(LockFileError::Invalid(wrong)) => {
                problems.extend(wrong);
                continue;
            }
            Err(LockFileError::Unreadable(failure)) => return Err(failure),
        };
        let had_lock = old.lock.is_some();
        locked.push(LockRevisions {
            list,
            index,
            had_lock,
            current,
        });
    }
    Ok(locked)
}

/// Returns the rows of followed entries in the locks. Invalid locks are findings of their own.
fn locked_followed_rows(lists: &[ListFile]) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for list in lists {
        match LockFile::read(list) {
            Ok(lock) => {
                let followed = lock.iter().flat_map(|file| file.lock.followed());
                rows.extend(followed.map(|followed| followed.row.clone()));
            }
            Err(LockFileError::Invalid(_)) => {}
            Err(LockFileError::Unreadable(failure)) => return Err(failure),
        }
    }
    Ok(rows)
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
    /// The lists, in the order in which they were named.
    files: Vec<TrackedList>,
    /// The configuration in the repository, unless it is outside.
    config: Option<TrackedPath>,
    /// The path of the targets file, also in the repository unless it is outside.
    targets: (PathBuf, Option<TrackedPath>),
}

impl Checkout {
    /// Finds the lists in the repository. Refuses symbolic links, which the branch could point to
    /// any file, before a file is read.
    async fn find(session: &Session, lists: &[PathBuf], targets: &Path) -> Result<Self, Failure> {
        let git = Git::discover(&session.environment.git, Purpose::CheckNew).await?;
        let config = config_file::path(&session.common);
        git.refuse_links(&config)?;
        let config = git.track(&config, Links::Refuse).ok();
        let mut files = Vec::new();
        for list in lists {
            files.push(TrackedList {
                list: git.track(list, Links::Refuse)?,
                lock: git.track(&lock_file::path_of(list), Links::Refuse)?,
            });
        }
        git.refuse_links(targets)?;
        let targets = (targets.to_owned(), git.track(targets, Links::Refuse).ok());
        Ok(Self {
            git,
            files,
            config,
            targets,
        })
    }

    /// Returns the lists and locks at a commit: the given ones, then those removed or renamed on the
    /// branch. A missing list counts as empty.
    async fn lists_at(&self, commit: &str, lists: &[ListFile]) -> Result<Vec<BaseList>, Failure> {
        let mut old = Vec::new();
        for (file, tracked) in lists.iter().zip(&self.files) {
            let list = match self.git.content_at(commit, &tracked.list).await? {
                None => List::default(),
                Some(bytes) => List::from_bytes(&bytes).map_err(|error| {
                    Failure::unusable(format!("{} at {commit}: {error}", file.name))
                })?,
            };
            old.push(BaseList {
                name: file.name.clone(),
                list,
                lock: self.lock_at(commit, &tracked.lock).await?,
            });
        }
        for removed in self.git.removed_files(commit).await? {
            if self.files.iter().any(|file| file.list == removed.file) {
                continue;
            }
            let Some(bytes) = self.git.removed_content(&removed).await? else {
                continue;
            };
            // A list can have any file name, so the content is checked.
            let list = List::from_bytes(&bytes).ok();
            let Some(list) = list.filter(list_file::is_list) else {
                continue;
            };
            let lock = lock_file::path_of(removed.file.path());
            old.push(BaseList {
                name: removed.file.name().to_owned(),
                list,
                lock: self.lock_at(commit, &TrackedPath::from_top(lock)).await?,
            });
        }
        Ok(old)
    }

    /// Returns a finding for each row that only commits of the branch have.
    async fn passing_rows(
        &self,
        base: &str,
        old: &[BaseList],
        lists: &[ListFile],
    ) -> Result<Vec<Finding>, Failure> {
        let files = self.files.iter();
        let files: Vec<TrackedPath> = files
            .flat_map(|file| [file.list.clone(), file.lock.clone()])
            .collect();
        let revisions = self.git.file_changes_since(base, &files).await?;
        Ok(passing_rows::findings(&revisions, old, lists))
    }

    /// Returns the destinations of followed entries that a commit did not have. A configuration outside the
    /// repository is not part of the branch.
    async fn followed_at(
        &self,
        session: &Session,
        commit: &str,
        targets: &TargetRevisions,
    ) -> Result<FollowedDestinations, Failure> {
        let (Some(tracked), Some(ReadConfig::Valid(current))) =
            (&self.config, config_file::read(&session.common)?)
        else {
            return Ok(FollowedDestinations::default());
        };
        let bytes = self.git.content_at(commit, tracked).await?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let base = text.and_then(|text| Config::parse(&text).ok());
        Ok(FollowedDestinations::new(base.as_ref(), &current, targets))
    }

    /// Returns the targets at a commit: none if the file is missing or invalid there. A file outside the
    /// repository is not part of the branch.
    async fn targets_at(&self, commit: &str, lists: &[ListFile]) -> Result<Arc<Targets>, Failure> {
        let (_, Some(tracked)) = &self.targets else {
            return Ok(list_file::targets_of(lists));
        };
        let bytes = self.git.content_at(commit, tracked).await?;
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let targets = text.and_then(|text| Targets::parse(&text).ok());
        Ok(Arc::new(targets.unwrap_or_default()))
    }

    /// Returns the lock at a commit; `None` if it is missing or invalid.
    async fn lock_at(&self, commit: &str, lock: &TrackedPath) -> Result<Option<Lock>, Failure> {
        let bytes = self.git.content_at(commit, lock).await?;
        Ok(bytes.and_then(|bytes| Lock::parse(&String::from_utf8_lossy(&bytes)).ok()))
    }
}

/// Checks the images of new rows and lock lines, and the new destinations, concurrently.
async fn check_rows(
    checker: &AvailabilityChecker,
    changes: &ListChanges,
    new_destinations: impl Iterator<Item = RepositoryName>,
    of_locks: &[&ApprovalChange<'_>],
) -> (
    HashMap<ImageTag, Availability<ApprovedDigest>>,
    HashMap<RepositoryName, Availability>,
) {
    let with_attached = of_locks.iter().filter(|change| change.has_attached());
    let with_attached: HashSet<_> = with_attached.filter_map(|change| change.image()).collect();
    let images = changes.added.iter().map(|added| ImageTag::from(&added.row));
    let images = images.chain(of_locks.iter().filter_map(|change| change.image()));
    let images = images.filter(|image| !with_attached.contains(image));
    let (mut images, approvals, destinations) = futures::join!(
        checker.images(images),
        checker.approvals(with_attached.iter().cloned()),
        checker.repositories(new_destinations)
    );
    images.extend(approvals);
    (images, destinations)
}
