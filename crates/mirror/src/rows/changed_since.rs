//! `--changed-since`: rows that a git revision does not have.

use std::collections::HashSet;
use std::path::PathBuf;

use images_list::{Diff, List};

use crate::cli::failure::Failure;
use crate::files::list_file::{self, ListFile};
use crate::files::lock_file;
use crate::git::{Git, Links, Purpose, TrackedPath};
use crate::session::Session;

/// The revision of `--changed-since`.
#[derive(Debug)]
pub(super) struct Base<'a> {
    git: Git,
    revision: &'a str,
    /// The lists, in the order of the command line.
    lists: Vec<TrackedPath>,
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
        Ok(Self {
            git,
            revision,
            lists: tracked,
        })
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
