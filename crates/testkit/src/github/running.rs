//! A running server: how a test fills it and reads its requests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use embedded_registry::{HttpListener, HttpServer};

use super::fault::Fault;
use super::pull_requests::{Pull, PullState};
use super::rate_limit::RateLimit;
use super::releases::Release;
use super::server::{FakeGithub, Server};
use super::state::GithubRequest;

/// A server that runs until it is dropped. Repositories are named `OWNER/REPO` and created by the
/// first method that names them.
#[derive(Debug)]
pub struct RunningGithub {
    server: Arc<Server>,
    _http: HttpServer,
}

impl FakeGithub {
    /// Starts the server on a free port.
    pub async fn start(self) -> RunningGithub {
        let listener = HttpListener::bind().await.expect("a free port");
        let server = Arc::new(Server::new(self, listener.address()));
        let http = listener.serve({
            let server = Arc::clone(&server);
            move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.respond(request).await) }
            }
        });
        RunningGithub {
            server,
            _http: http,
        }
    }
}

impl RunningGithub {
    /// Returns the value for `GITHUB_API_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Adds a release, newer than those before.
    pub fn release(&self, repository: &str, release: Release) {
        let mut state = self.server.state();
        state.repository(repository).releases.add(release);
    }

    /// Makes a repository private: visible with the token only.
    pub fn private(&self, repository: &str) {
        self.server.state().repository(repository).private = true;
    }

    /// Renames a repository. Requests for the old name are redirected.
    pub fn rename(&self, old: &str, new: &str) {
        let mut state = self.server.state();
        let mut repository = state.repositories.remove(old).unwrap_or_default();
        let is_own = |pull: &&mut Pull| pull.head_repository == old;
        let pulls = repository.pull_requests.pulls.iter_mut();
        for pull in pulls.filter(is_own) {
            new.clone_into(&mut pull.head_repository);
        }
        state.repositories.insert(new.to_owned(), repository);
        state.renamed.insert(old.to_owned(), new.to_owned());
    }

    /// Commits files to a branch, created if it does not exist. The default branch is `main`.
    pub fn commit(&self, repository: &str, branch: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        repository
            .git
            .commit_files(&format!("heads/{branch}"), files);
    }

    /// Creates a tag with files.
    pub fn tag(&self, repository: &str, tag: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        repository.git.commit_files(&format!("tags/{tag}"), files);
    }

    /// Adds a label to a repository.
    pub fn label(&self, repository: &str, name: &str) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        repository.pull_requests.labels.insert(name.to_owned());
    }

    /// Adds a pull request unchanged, except for the next free number.
    pub fn pull(&self, repository: &str, mut pull: Pull) {
        let mut state = self.server.state();
        let pulls = &mut state.repository(repository).pull_requests.pulls;
        pull.number = pulls.len() + 1;
        pulls.push(pull);
    }

    /// Closes a pull request.
    pub fn close(&self, repository: &str, number: usize) {
        let mut state = self.server.state();
        let pulls = &mut state.repository(repository).pull_requests.pulls;
        pulls[number - 1].state = PullState::Closed;
    }

    /// Merges a pull request, also one with conflicts, in favor of its branch.
    pub fn merge(&self, repository: &str, number: usize) {
        let mut state = self.server.state();
        let repository = state.repository(repository);
        let requests = &mut repository.pull_requests;
        let pull = &mut requests.pulls[number - 1];
        pull.state = PullState::Merged;
        let commit = repository.git.merge(&pull.base, &pull.head);
        requests
            .merge_commits
            .extend(commit.map(|commit| (number, commit)));
    }

    /// Amends the last commit of a branch, as `git commit --amend` does.
    pub fn amend(&self, repository: &str, branch: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        state.repository(repository).git.amend(branch, files);
    }

    /// Adds a label to a pull request, as a person does.
    pub fn label_pull(&self, repository: &str, number: usize, label: &str) {
        let mut state = self.server.state();
        let pulls = &mut state.repository(repository).pull_requests.pulls;
        pulls[number - 1].labels.push(label.to_owned());
    }

    /// Returns the users and teams (`team:NAME`) that are asked to review a pull request.
    pub fn reviewers(&self, repository: &str, number: usize) -> Vec<String> {
        let mut state = self.server.state();
        let reviewers = &state.repository(repository).pull_requests.reviewers;
        reviewers.get(&number).cloned().unwrap_or_default()
    }

    /// Returns the comments on a pull request.
    pub fn comments(&self, repository: &str, number: usize) -> Vec<String> {
        let mut state = self.server.state();
        let comments = &state.repository(repository).pull_requests.comments;
        comments.get(&number).cloned().unwrap_or_default()
    }

    /// Sets the mode of a file of a branch.
    pub fn set_mode(&self, repository: &str, branch: &str, path: &str, mode: &str) {
        let mut state = self.server.state();
        state
            .repository(repository)
            .git
            .set_mode(branch, path, mode);
    }

    /// Returns the mode of a file of a branch.
    pub fn mode(&self, repository: &str, branch: &str, path: &str) -> Option<String> {
        self.server
            .state()
            .repository(repository)
            .git
            .mode(branch, path)
    }

    /// Adds a fault. Of several, the first that fits a request applies.
    pub fn fault(&self, fault: Fault) {
        self.server.state().faults.push(fault);
    }

    /// Sets the primary rate limit: `remaining` of `limit` requests are left until `reset`.
    pub fn limit(&self, limit: u32, remaining: u32, reset: Duration) {
        self.server.state().rate_limit = Some(RateLimit::new(limit, remaining, reset));
    }

    /// Returns the branches of a repository.
    pub fn branches(&self, repository: &str) -> Vec<String> {
        self.server.state().repository(repository).git.branches()
    }

    /// Returns the files of a branch by path; none if the branch does not exist.
    pub fn files(&self, repository: &str, branch: &str) -> BTreeMap<String, String> {
        let mut state = self.server.state();
        state.repository(repository).git.files(branch)
    }

    /// Returns the first lines of the messages of a branch's commits, newest first.
    pub fn log(&self, repository: &str, branch: &str) -> Vec<String> {
        self.server.state().repository(repository).git.log(branch)
    }

    /// Returns the pull requests of a repository in the order of their numbers.
    pub fn pulls(&self, repository: &str) -> Vec<Pull> {
        let mut state = self.server.state();
        state.repository(repository).pull_requests.pulls.clone()
    }

    /// Returns all requests in the order of their responses.
    pub fn requests(&self) -> Vec<GithubRequest> {
        self.server.state().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.server.state().requests.clear();
    }

    /// Counts the requests with a method whose path and query begin with `prefix`.
    pub fn count(&self, method: &str, prefix: &str) -> usize {
        let requests = self.requests();
        let fits = |request: &&GithubRequest| {
            request.method == method && request.target.starts_with(prefix)
        };
        requests.iter().filter(fits).count()
    }

    /// Counts the requests with a method other than GET.
    pub fn writes(&self) -> usize {
        let requests = self.requests();
        let writes = requests.iter().filter(|request| request.method != "GET");
        writes.count()
    }

    /// Returns the maximum number of concurrent requests so far.
    pub fn max_in_flight(&self) -> usize {
        self.server.state().max_in_flight
    }
}
