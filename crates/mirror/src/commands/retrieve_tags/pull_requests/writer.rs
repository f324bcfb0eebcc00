//! The requests that change the repository.

use std::collections::HashSet;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tag_retrieval::github::{Github, GithubError, GithubProject, GithubRequest, project_path};
use tokio::time::{Instant, sleep_until};

use super::pulls::PullDocument;
use super::target::Target;

/// The label of generated pull requests.
pub(super) const LABEL: &str = "status/auto-created";

/// A writer that changes one repository with a pause between two changes. GitHub recommends at least
/// a second, to avoid its secondary rate limits
/// (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>).
#[derive(Debug)]
pub(super) struct Writer {
    github: Github,
    repository: GithubProject,
    base: String,
    pause: Duration,
    next: Instant,
    /// The labels that the repository is known to have.
    labels: HashSet<String>,
}

/// The hash of a created object in a response.
#[derive(Debug, Deserialize)]
struct Hashed {
    sha: String,
}

impl Writer {
    pub(super) fn new(target: &Target, pause: Duration) -> Self {
        Self {
            github: target.github.clone(),
            repository: target.repository.clone(),
            base: target.base.clone(),
            pause,
            next: Instant::now(),
            labels: HashSet::new(),
        }
    }

    /// Creates a blob and returns its hash.
    pub(super) async fn blob(&mut self, text: &str) -> Result<String, GithubError> {
        let body = json!({"content": text, "encoding": "utf-8"});
        self.hashed(&["git", "blobs"], body).await
    }

    /// Creates a tree from a base tree and files.
    pub(super) async fn tree(
        &mut self,
        base: &str,
        files: &[TreeFile],
    ) -> Result<String, GithubError> {
        let files = files.iter().map(|file| {
            let TreeFile { path, mode, blob } = file;
            json!({"path": path, "mode": mode, "type": "blob", "sha": blob})
        });
        let body = json!({"base_tree": base, "tree": files.collect::<Vec<_>>()});
        self.hashed(&["git", "trees"], body).await
    }

    /// Creates a commit and returns its hash.
    pub(super) async fn commit(
        &mut self,
        parent: &str,
        tree: &str,
        message: &str,
    ) -> Result<String, GithubError> {
        let body = json!({"message": message, "tree": tree, "parents": [parent]});
        self.hashed(&["git", "commits"], body).await
    }

    /// Creates a branch. Returns false if it exists.
    pub(super) async fn create_branch(
        &mut self,
        name: &str,
        commit: &str,
    ) -> Result<bool, GithubError> {
        let body = json!({"ref": format!("refs/heads/{name}"), "sha": commit});
        match self.send(Method::POST, &["git", "refs"], body).await {
            Err(error) if says(&error, "already exists") => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Moves a branch to a commit with a forced update.
    pub(super) async fn move_branch(
        &mut self,
        name: &str,
        commit: &str,
    ) -> Result<(), GithubError> {
        let parts: Vec<_> = ["git", "refs", "heads"]
            .into_iter()
            .chain(name.split('/'))
            .collect();
        let body = json!({"sha": commit, "force": true});
        self.send(Method::PATCH, &parts, body).await
    }

    /// Creates a pull request. Returns `None` if the branch already has one, for instance after a lost
    /// response.
    pub(super) async fn create_pull(
        &mut self,
        text: &Text,
        branch: &str,
    ) -> Result<Option<PullDocument>, GithubError> {
        let base = &self.base;
        let body = json!({"title": text.title, "body": text.body, "head": branch, "base": base});
        match self.fetch(Method::POST, &["pulls"], body).await {
            Ok(document) => Ok(Some(document)),
            Err(error) if says(&error, "already exists") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Updates title and body of a pull request.
    pub(super) async fn update_pull(
        &mut self,
        number: u64,
        text: &Text,
    ) -> Result<(), GithubError> {
        let body = json!({"title": text.title, "body": text.body});
        let number = number.to_string();
        let parts = ["pulls", &number];
        self.send(Method::PATCH, &parts, body).await
    }

    /// Closes a pull request with a comment, and replaces its body.
    pub(super) async fn close_pull(
        &mut self,
        number: u64,
        body: &str,
        comment: &str,
    ) -> Result<(), GithubError> {
        let number = number.to_string();
        let parts = ["issues", &number, "comments"];
        self.send(Method::POST, &parts, json!({"body": comment}))
            .await?;
        let closed = json!({"state": "closed", "body": body});
        self.send(Method::PATCH, &["pulls", &number], closed).await
    }

    /// Adds labels to a pull request. Creates those that the repository does not have.
    pub(super) async fn label(
        &mut self,
        number: u64,
        labels: &[String],
    ) -> Result<(), GithubError> {
        let all: Vec<&str> = [LABEL]
            .into_iter()
            .chain(labels.iter().map(String::as_str))
            .collect();
        for label in &all {
            if !self.labels.contains(*label) {
                self.ensure_label(label).await?;
                self.labels.insert((*label).to_owned());
            }
        }
        let number = number.to_string();
        let parts = ["issues", &number, "labels"];
        self.send(Method::POST, &parts, json!({"labels": all}))
            .await
    }

    /// Requests reviews from users, and from teams, which are written as `ORGANIZATION/TEAM`.
    pub(super) async fn request_reviews(
        &mut self,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), GithubError> {
        let teams: Vec<&str> = reviewers
            .iter()
            .filter_map(|name| Some(name.split_once('/')?.1))
            .collect();
        let users: Vec<_> = reviewers
            .iter()
            .filter(|name| !name.contains('/'))
            .collect();
        let number = number.to_string();
        let parts = ["pulls", &number, "requested_reviewers"];
        let body = json!({"reviewers": users, "team_reviewers": teams});
        self.send(Method::POST, &parts, body).await
    }

    async fn ensure_label(&mut self, label: &str) -> Result<(), GithubError> {
        let path = project_path(&self.repository, ["labels", label]);
        match self.github.send(&GithubRequest::get(path)).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            other => return other.map(drop),
        }
        let body = json!({"name": label, "color": "ededed", "description": "Proposed by a job"});
        match self.send(Method::POST, &["labels"], body).await {
            // Another run created the label, or the response of a first attempt was lost.
            Err(error) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => Ok(()),
            other => other,
        }
    }

    async fn hashed(&mut self, parts: &[&str], body: Value) -> Result<String, GithubError> {
        let Hashed { sha } = self.fetch(Method::POST, parts, body).await?;
        Ok(sha)
    }

    async fn send(
        &mut self,
        method: Method,
        parts: &[&str],
        body: Value,
    ) -> Result<(), GithubError> {
        let IgnoredAny = self.fetch(method, parts, body).await?;
        Ok(())
    }

    async fn fetch<T: DeserializeOwned>(
        &mut self,
        method: Method,
        parts: &[&str],
        body: Value,
    ) -> Result<T, GithubError> {
        let path = project_path(&self.repository, parts.iter().copied());
        let request = GithubRequest::change(method, path, body);
        sleep_until(self.next).await;
        let answer = self.github.fetch(&request).await;
        self.next = Instant::now() + self.pause;
        answer
    }
}

/// A file of a tree.
#[derive(Debug)]
pub(super) struct TreeFile {
    pub(super) path: String,
    /// The mode, such as `100644`.
    pub(super) mode: String,
    /// The hash of the blob.
    pub(super) blob: String,
}

/// The title and the body of a pull request.
#[derive(Debug)]
pub(crate) struct Text {
    pub(super) title: String,
    pub(super) body: String,
}

/// Returns true for a 422 response whose message contains `words`.
fn says(error: &GithubError, words: &str) -> bool {
    match error {
        GithubError::Status {
            status, message, ..
        } => *status == StatusCode::UNPROCESSABLE_ENTITY && message.contains(words),
        _ => false,
    }
}
