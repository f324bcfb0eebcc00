//! The content of the server.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::git_store::GitStore;
use super::pull_requests::PullRequests;
use super::rate_limit::RateLimit;
use super::releases::Releases;

/// A request with the status of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubRequest {
    /// Such as `GET`.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// True if the request had a token.
    pub authenticated: bool,
    /// The status of the response.
    pub status: u16,
}

/// The mutable state of the server.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By `OWNER/REPO`.
    pub(super) repositories: BTreeMap<String, Repository>,
    /// New names by old ones.
    pub(super) renamed: BTreeMap<String, String>,
    pub(super) faults: Vec<Fault>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) requests: Vec<GithubRequest>,
    pub(super) in_flight: usize,
    pub(super) max_in_flight: usize,
}

/// A repository.
#[derive(Debug, Default)]
pub(super) struct Repository {
    /// Visible with the token only.
    pub(super) private: bool,
    pub(super) releases: Releases,
    pub(super) git: GitStore,
    pub(super) pull_requests: PullRequests,
}

impl State {
    /// Returns the repository with a name, created if it does not exist.
    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}
