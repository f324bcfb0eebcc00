//! What a test says to the server and sees of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::fault::Fault;
use super::limit::Limit;
use super::pulls::{Pull, PullState};
use super::releases::Release;
use super::server::{GithubRequest, Server};

/// A server that runs until this is dropped. Repositories are named `OWNER/REPO`, and made when
/// something is put into them.
#[derive(Debug)]
pub struct RunningGithub {
    server: Arc<Server>,
    task: JoinHandle<()>,
}

impl RunningGithub {
    pub(super) fn new(server: Arc<Server>, task: JoinHandle<()>) -> Self {
        Self { server, task }
    }

    /// What `GITHUB_API_URL` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Adds a release, newer than those before.
    pub fn release(&self, repository: &str, release: Release) {
        let mut state = self.server.state();
        state.repository(repository).releases.insert(0, release);
    }

    /// Makes a repository that only those with a token see.
    pub fn private(&self, repository: &str) {
        self.server.state().repository(repository).private = true;
    }

    /// Gives a repository another name. Who asks for it under the old one is sent on.
    pub fn rename(&self, old: &str, new: &str) {
        let mut state = self.server.state();
        let mut repository = state.repositories.remove(old).unwrap_or_default();
        let own = |pull: &&mut Pull| pull.head_repository == old;
        for pull in repository.pulls.iter_mut().filter(own) {
            new.clone_into(&mut pull.head_repository);
        }
        state.repositories.insert(new.to_owned(), repository);
        state.renamed.insert(old.to_owned(), new.to_owned());
    }

    /// Commits files to a branch, made if there is none. The default branch is `main`.
    pub fn commit(&self, repository: &str, branch: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        repository.commit_files(&format!("heads/{branch}"), files);
    }

    /// Makes a tag that has files.
    pub fn tag(&self, repository: &str, tag: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        repository.commit_files(&format!("tags/{tag}"), files);
    }

    /// Adds a label to a repository.
    pub fn label(&self, repository: &str, name: &str) {
        let mut state = self.server.state();
        state.repository(repository).labels.insert(name.to_owned());
    }

    /// Adds a pull request as it is, with the next number.
    pub fn pull(&self, repository: &str, mut pull: Pull) {
        let mut state = self.server.state();
        let pulls = &mut state.repository(repository).pulls;
        pull.number = pulls.len() + 1;
        pulls.push(pull);
    }

    /// Closes a pull request.
    pub fn close(&self, repository: &str, number: usize) {
        let mut state = self.server.state();
        state.repository(repository).pulls[number - 1].state = PullState::Closed;
    }

    /// Lets requests fail. Of several faults the first that fits is taken.
    pub fn fault(&self, fault: Fault) {
        self.server.state().faults.push(fault);
    }

    /// Sets the primary limit: `remaining` of `limit` requests, all back after `reset`.
    pub fn limit(&self, limit: u32, remaining: u32, reset: Duration) {
        self.server.state().limit = Some(Limit::new(limit, remaining, reset));
    }

    /// The branches of a repository.
    pub fn branches(&self, repository: &str) -> Vec<String> {
        let mut state = self.server.state();
        let names = state.repository(repository).refs.keys();
        let branches = names.filter_map(|name| name.strip_prefix("heads/"));
        branches.map(str::to_owned).collect()
    }

    /// The files of a branch; none, where there is no such branch.
    pub fn files(&self, repository: &str, branch: &str) -> BTreeMap<String, String> {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        let commit = repository.refs.get(&format!("heads/{branch}"));
        let Some(commit) = commit.and_then(|hash| repository.commits.get(hash)) else {
            return BTreeMap::new();
        };
        let text = |hash| String::from_utf8_lossy(&repository.blobs[hash]).into_owned();
        let files = repository.trees[&commit.tree].iter();
        files
            .map(|(path, hash)| (path.clone(), text(hash)))
            .collect()
    }

    /// The messages of a branch's commits, the newest first.
    pub fn log(&self, repository: &str, branch: &str) -> Vec<String> {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        let mut next = repository.refs.get(&format!("heads/{branch}"));
        let mut messages = Vec::new();
        while let Some(commit) = next.and_then(|hash| repository.commits.get(hash)) {
            messages.push(commit.message.clone());
            next = commit.parents.first();
        }
        messages
    }

    /// The pull requests of a repository, in the order of their numbers.
    pub fn pulls(&self, repository: &str) -> Vec<Pull> {
        self.server.state().repository(repository).pulls.clone()
    }

    /// All requests, in the order in which they were answered.
    pub fn requests(&self) -> Vec<GithubRequest> {
        self.server.state().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.server.state().requests.clear();
    }

    /// How many requests with this method had a path with a query that begins like this.
    pub fn count(&self, method: &str, start: &str) -> usize {
        let requests = self.requests();
        let fits = |request: &&GithubRequest| {
            request.method == method && request.target.starts_with(start)
        };
        requests.iter().filter(fits).count()
    }

    /// How many requests would have changed something.
    pub fn writes(&self) -> usize {
        let requests = self.requests();
        let writes = requests.iter().filter(|request| request.method != "GET");
        writes.count()
    }

    /// The most requests that were ever under way at once.
    pub fn most_at_once(&self) -> usize {
        self.server.state().under_way.1
    }
}

impl Drop for RunningGithub {
    fn drop(&mut self) {
        self.task.abort();
    }
}
