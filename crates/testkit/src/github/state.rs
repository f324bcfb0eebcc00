//! What the server has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::fault::Fault;
use super::limit::Limit;
use super::pulls::Pull;
use super::releases::Release;
use super::server::GithubRequest;

/// Everything that changes.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By `OWNER/REPO`.
    pub(super) repositories: BTreeMap<String, Repository>,
    /// New names by old ones.
    pub(super) renamed: BTreeMap<String, String>,
    pub(super) faults: Vec<Fault>,
    pub(super) limit: Option<Limit>,
    pub(super) requests: Vec<GithubRequest>,
    /// Requests being answered now, and the most that ever were.
    pub(super) under_way: (usize, usize),
}

/// A repository.
#[derive(Debug, Default)]
pub(super) struct Repository {
    /// Only those with the token see it.
    pub(super) private: bool,
    /// Newest first.
    pub(super) releases: Vec<Release>,
    /// By hash.
    pub(super) blobs: HashMap<String, Vec<u8>>,
    /// By hash: the hashes of files by their whole path.
    pub(super) trees: HashMap<String, BTreeMap<String, String>>,
    pub(super) commits: HashMap<String, Commit>,
    /// Hashes of commits by `heads/BRANCH` and `tags/TAG`.
    pub(super) refs: BTreeMap<String, String>,
    /// In the order of their numbers, from 1.
    pub(super) pulls: Vec<Pull>,
    pub(super) labels: BTreeSet<String>,
}

/// A commit.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    pub(super) message: String,
}

impl State {
    /// The repository of a name, made if there is none.
    pub(super) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}
