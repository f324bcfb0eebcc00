//! The host of the list's repository: GitHub or GitLab.

use std::collections::BTreeMap;
use std::sync::Arc;

use tag_retrieval::github::GithubError;
use tag_retrieval::gitlab::GitlabError;

use super::Edit;
use super::pulls::{Pull, Pulls};
use super::writer::Text;

/// An error of a request to the host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// A request to GitHub failed.
    #[error(transparent)]
    Github(#[from] GithubError),
    /// A request to GitLab failed.
    #[error(transparent)]
    Gitlab(#[from] GitlabError),
    /// GitLab has no such user.
    #[error("GitLab has no user {name}")]
    NoUser {
        /// The name.
        name: String,
    },
    /// The host says that a branch has a pull request, and lists none.
    #[error("{branch} has a merge request and there is none")]
    NoPull {
        /// The branch.
        branch: String,
    },
}

/// A commit in the history of a branch.
#[derive(Debug)]
pub(crate) struct CommitInfo {
    pub(super) message: String,
    pub(super) parents: usize,
}

/// A new commit on the head of the target branch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(super) message: &'a str,
    pub(super) edited: &'a BTreeMap<String, Edit>,
}

/// The treatment of a branch that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// An open pull request.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) number: u64,
    pub(super) url: String,
}

/// The requests to the repository. It stands at one commit of the target branch.
pub(crate) trait Host {
    /// Returns the name of the repository.
    fn repository(&self) -> String;

    /// Returns the target branch.
    fn base(&self) -> &str;

    /// Returns the hash of the commit at the head of the target branch.
    fn base_commit(&self) -> &str;

    /// Reads the pull requests into the target branch.
    async fn pulls(&self) -> Result<Pulls, HostError>;

    /// Reads the pull requests from one branch, of any age.
    async fn pulls_of(&self, branch: &str) -> Result<Vec<Pull>, HostError>;

    /// Reads the open pull request from one branch, with or without a marker.
    async fn open_pull_of(&self, branch: &str) -> Result<Opened, HostError>;

    /// Returns true if the host says that a pull request conflicts with the target branch. It computes
    /// that in the background: a few `attempts` wait for the result, and an unknown one is no conflict.
    async fn conflicts(&self, number: u64, attempts: usize) -> Result<bool, HostError>;

    /// Reads a file of a commit.
    async fn file(&self, commit: &str, path: &str) -> Result<Option<Arc<str>>, HostError>;

    /// Reads a commit.
    async fn commit(&self, hash: &str) -> Result<Option<CommitInfo>, HostError>;

    /// Returns the hash of the commit at the head of a branch.
    async fn head(&self, branch: &str) -> Result<String, HostError>;

    /// Puts a commit on a branch of its own, and returns its hash. Returns `None` for a branch that exists
    /// and is kept.
    async fn put(
        &mut self,
        branch: &str,
        draft: Draft<'_>,
        existing: Existing,
    ) -> Result<Option<String>, HostError>;

    /// Creates a pull request. Returns `None` if the branch already has one.
    async fn create_pull(&mut self, text: &Text, branch: &str)
    -> Result<Option<Opened>, HostError>;

    /// Updates title and body of a pull request.
    async fn update_pull(&mut self, number: u64, text: &Text) -> Result<(), HostError>;

    /// Closes a pull request with a comment, and replaces its body.
    async fn close_pull(&mut self, number: u64, body: &str, comment: &str)
    -> Result<(), HostError>;

    /// Adds labels to a pull request.
    async fn label(&mut self, number: u64, labels: &[String]) -> Result<(), HostError>;

    /// Requests reviews from users and teams.
    async fn request_reviews(&mut self, number: u64, reviewers: &[String])
    -> Result<(), HostError>;
}
