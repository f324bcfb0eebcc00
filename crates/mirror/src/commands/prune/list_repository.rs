//! The git repository of the lists: their history, and what its last commits keep.

use std::fs;
use std::path::PathBuf;

use images_list::{List, Lock, Row, Targets};

use super::destination_history::{DestinationHistory, TrackedFile};
use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::files::{config_file, lock_file, targets_file};
use crate::git::{FileChange, Git, Links, Purpose, TrackedPath};
use crate::rows::overrides::Overrides;
use crate::session::Session;

/// The git repository of the lists.
#[derive(Debug)]
pub(super) struct ListRepository {
    git: Git,
    lists: Vec<TrackedPath>,
    locks: Vec<TrackedPath>,
    /// The targets file; `None` if it is outside of the repository.
    targets: Option<TrackedPath>,
    /// The configuration; `None` if it is outside of the repository.
    config: Option<(PathBuf, TrackedPath)>,
    targets_path: PathBuf,
}

/// The rows of the default branch. What they need stays, whatever branch is checked out.
#[derive(Debug)]
pub(super) struct BranchRows {
    /// The name of the branch.
    pub(super) branch: String,
    /// The rows of the lists.
    pub(super) rows: Vec<Row>,
    /// The targets of the rows.
    pub(super) targets: Targets,
    /// The locks of the lists.
    pub(super) locks: Vec<Lock>,
}

impl ListRepository {
    /// Opens the repository of lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for standard input, outside of a repository, and for symbolic links.
    pub(super) async fn open(session: &Session, paths: &[PathBuf]) -> Result<Self, Failure> {
        list_file::refuse_stdin(paths)?;
        let git = Git::discover(&session.environment.git, Purpose::Prune).await?;
        let (mut lists, mut locks) = (Vec::new(), Vec::new());
        for path in paths {
            lists.push(git.track(path, Links::Refuse)?);
            locks.push(git.track(&lock_file::path_of(path), Links::Refuse)?);
        }
        let targets_path = targets_file::path(&session.common, paths);
        git.refuse_links(&targets_path)?;
        let config = config_file::path(&session.common);
        let tracked = git.track(&config, Links::Follow).ok();
        Ok(Self {
            targets: git.track(&targets_path, Links::Refuse).ok(),
            config: tracked.map(|tracked| (config, tracked)),
            git,
            lists,
            locks,
            targets_path,
        })
    }

    /// Returns the lines of the last commit that have the form of a row, outside of the lists, with their files.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot search.
    pub(super) async fn other_lines(&self) -> Result<Vec<(TrackedPath, String)>, Failure> {
        let lines = self.git.lines_like_rows().await?.into_iter();
        let is_list = |file: &TrackedPath| self.lists.iter().any(|list| list.path() == file.path());
        Ok(lines.filter(|(file, _)| !is_list(file)).collect())
    }

    /// Returns the list in a file of the last commit, if the file is one.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot read it.
    pub(super) async fn committed_list(&self, file: &TrackedPath) -> Result<Option<List>, Failure> {
        let text = self.git.content_at("HEAD", file).await?.unwrap_or_default();
        let list = List::parse(&String::from_utf8_lossy(&text));
        Ok(Some(list).filter(list_file::is_list))
    }

    /// Refuses a configuration or a targets file that differs from that of the last commit: what an entry no
    /// longer follows, or a target no longer has, would be a candidate before a review.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the file.
    pub(super) async fn refuse_uncommitted(&self) -> Result<(), Failure> {
        let config = self.config.iter().map(|(path, tracked)| (path, tracked));
        let targets = self.targets.iter();
        let targets = targets.map(|tracked| (&self.targets_path, tracked));
        for (path, tracked) in config.chain(targets) {
            let Some(committed) = self.git.content_at("HEAD", tracked).await? else {
                continue;
            };
            // A checkout may have other line ends.
            let lines = |bytes: Vec<u8>| -> Vec<u8> {
                bytes.into_iter().filter(|byte| *byte != b'\r').collect()
            };
            let current = fs::read(path).ok().map(lines);
            if current != Some(lines(committed)) {
                let message = format!(
                    "{} differs from the last commit; nothing was deleted",
                    path.display()
                );
                return Err(Failure::unusable(message).hint(
                    "commit the change, or restore the file: the tags to keep depend on it"
                        .to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Returns the locks of the last commit, in the order of the lists; `None` for a missing or invalid one.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot read them.
    pub(super) async fn committed_locks(&self) -> Result<Vec<Option<Lock>>, Failure> {
        let mut locks = Vec::new();
        for lock in &self.locks {
            let bytes = self.git.content_at("HEAD", lock).await?;
            locks.push(bytes.and_then(|bytes| parse_lock(&bytes)));
        }
        Ok(locks)
    }

    /// Returns the rows of the default branch of `origin`; `None` if the clone has no such branch, or it is
    /// checked out.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot read them.
    pub(super) async fn default_branch(
        &self,
        files: &[ListFile],
    ) -> Result<Option<BranchRows>, Failure> {
        let Some(branch) = self.git.default_branch_if_other().await? else {
            return Ok(None);
        };
        let (mut rows, mut locks) = (Vec::new(), Vec::new());
        for (list, lock) in self.lists.iter().zip(&self.locks) {
            let text = self.git.content_at(&branch, list).await?;
            let list = List::parse(&String::from_utf8_lossy(&text.unwrap_or_default()));
            rows.extend(list.rows().map(|at| at.row.clone()));
            let lock = self.git.content_at(&branch, lock).await?;
            locks.extend(lock.and_then(|bytes| parse_lock(&bytes)));
        }
        let targets = match &self.targets {
            Some(targets) => self.targets_at(&branch, targets).await?,
            None => list_file::targets_of(files).as_ref().clone(),
        };
        Ok(Some(BranchRows {
            branch,
            rows,
            targets,
            locks,
        }))
    }

    /// Returns true if the last commit has one of the lists. An empty one has no changes.
    async fn has_list(&self) -> Result<bool, Failure> {
        for list in &self.lists {
            if self.git.content_at("HEAD", list).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the targets of a revision. With invalid targets, rows write nowhere.
    async fn targets_at(&self, revision: &str, file: &TrackedPath) -> Result<Targets, Failure> {
        let bytes = self.git.content_at(revision, file).await?;
        let text = bytes.unwrap_or_default();
        Ok(Targets::parse(&String::from_utf8_lossy(&text)).unwrap_or_default())
    }

    /// Replays the history of the lists, their locks and their targets. `now` is in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a shallow clone, and if no commit has a list.
    pub(super) async fn history<'a>(
        &self,
        files: &[ListFile],
        overrides: &'a Overrides,
        now: i64,
    ) -> Result<DestinationHistory<'a>, Failure> {
        let (mut tracked, mut kinds) = (Vec::new(), Vec::new());
        for (list, lock) in self.lists.iter().zip(&self.locks) {
            tracked.extend([list.clone(), lock.clone()]);
            kinds.extend([TrackedFile::List, TrackedFile::Lock]);
        }
        if let Some(targets) = &self.targets {
            tracked.push(targets.clone());
            kinds.push(TrackedFile::Targets);
        }
        let mut history = DestinationHistory::new(overrides, now);
        if self.targets.is_none() {
            // Targets outside of the repository have no history: those of now stand for all.
            history.set_targets(list_file::targets_of(files).as_ref().clone());
        }
        let revisions = self.git.file_changes(&tracked).await?;
        let has = |change: &FileChange, kind| kinds.get(change.file) == Some(&kind);
        let mut changes = revisions.iter().flat_map(|revision| &revision.files);
        if !changes.any(|change| has(change, TrackedFile::List)) && !self.has_list().await? {
            return Err(not_committed(files));
        }
        for revision in &revisions {
            let mut changes = revision.files.iter();
            let new = match &self.targets {
                Some(targets) if changes.any(|change| has(change, TrackedFile::Targets)) => {
                    Some(self.targets_at(&revision.commit, targets).await?)
                }
                _ => None,
            };
            history.apply(revision, &kinds, new)?;
        }
        Ok(history)
    }
}

fn parse_lock(bytes: &[u8]) -> Option<Lock> {
    Lock::parse(&String::from_utf8_lossy(bytes)).ok()
}

fn not_committed(files: &[ListFile]) -> Failure {
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    let message = format!("no commit has {}", names.join(" or "));
    Failure::unusable(message).hint(
        "commit the list: its history shows what rows have written; or run with --no-history"
            .to_owned(),
    )
}
