//! `--changed-since`: rows that a git revision does not have, and repositories that it did not write.

use std::collections::HashSet;
use std::path::PathBuf;

use images_list::{Diff, List, Row, Targets, WrittenRepository};

use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file;
use crate::files::targets_file;
use crate::git::{Git, Links, Purpose, TrackedPath};
use crate::session::Session;

/// The revision of `--changed-since`.
#[derive(Debug)]
pub(super) struct Base<'a> {
    git: Git,
    revision: &'a str,
    /// The lists, in the order of the command line.
    lists: Vec<TrackedPath>,
    /// The targets of the revision; `None` if their file is outside the repository.
    targets: Option<Targets>,
}

impl<'a> Base<'a> {
    /// Finds the lists in the repository. Neither they nor their locks may be symbolic links.
    pub(super) async fn find(
        session: &Session,
        revision: &'a str,
        lists: &[PathBuf],
    ) -> Result<Self, Failure> {
        list_file::refuse_stdin(lists)?;
        let git = Git::discover(&session.environment.git, Purpose::ChangedSince).await?;
        let mut tracked = Vec::new();
        for list in lists {
            tracked.push(git.track(list, Links::Refuse)?);
            git.track(&lock_file::path_of(list), Links::Refuse)?;
        }
        let targets = targets_file::path(&session.common, lists);
        git.refuse_links(&targets)?;
        let targets = match git.track(&targets, Links::Refuse) {
            Ok(file) => {
                let bytes = git.content_at(revision, &file).await?.unwrap_or_default();
                // Without valid targets, the revision wrote to none.
                Some(Targets::parse(&String::from_utf8_lossy(&bytes)).unwrap_or_default())
            }
            Err(_) => None,
        };
        Ok(Self {
            git,
            revision,
            lists: tracked,
            targets,
        })
    }

    /// Reports whether a row of the revision wrote to a repository.
    pub(super) fn wrote(&self, row: &Row, written: &WrittenRepository) -> bool {
        let Some(targets) = &self.targets else {
            return true;
        };
        let old = targets.expand(&row.destination).unwrap_or_default();
        old.iter().any(|old| old.repository == written.repository)
    }

    /// Returns the line numbers of the rows that the revision does not have.
    pub(super) async fn new_lines(
        &self,
        list: usize,
        file: &ListFile,
    ) -> Result<HashSet<usize>, Failure> {
        let revision = self.revision;
        let old = match self.git.content_at(revision, &self.lists[list]).await? {
            None => List::default(),
            Some(bytes) => List::from_bytes(&bytes).map_err(|error| {
                Failure::unusable(format!("{} of {revision}: {error}", file.name))
            })?,
        };
        let diff = Diff::between(&old, &file.list);
        Ok(diff.added.iter().map(|at| at.line).collect())
    }
}
