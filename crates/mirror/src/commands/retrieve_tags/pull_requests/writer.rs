//! The requests that change the repository.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tag_retrieval::github::{GithubError, GithubRequest, project_path};
use tokio::time::{Instant, sleep_until};

use super::pulls::PullDocument;
use super::target::Target;

/// The label of generated pull requests.
const LABEL: &str = "status/auto-created";

/// A writer that changes one repository with a pause between two changes. GitHub recommends at least
/// a second, to avoid its secondary rate limits
/// (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>).
#[derive(Debug)]
pub(super) struct Writer<'a> {
    target: &'a Target,
    pause: Duration,
    next: Instant,
    /// The repository is known to have the label.
    has_label: bool,
}

/// The hash of a created object in a response.
#[derive(Debug, Deserialize)]
struct Hashed {
    sha: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(target: &'a Target, pause: Duration) -> Self {
        Self {
            target,
            pause,
            next: Instant::now(),
            has_label: false,
        }
    }

    /// Creates a blob and returns its hash.
    pub(super) async fn blob(&mut self, text: &str) -> Result<String, GithubError> {
        let body = json!({"content": text, "encoding": "utf-8"});
        self.hashed(&["git", "blobs"], body).await
    }

    /// Creates a tree from a base tree and files, each a path and the hash of a blob.
    pub(super) async fn tree(
        &mut self,
        base: &str,
        files: &[(String, String)],
    ) -> Result<String, GithubError> {
        let files = files.iter();
        let files = files
            .map(|(path, sha)| json!({"path": path, "mode": "100644", "type": "blob", "sha": sha}));
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

    /// Creates a branch, or moves the branch that an interrupted run left behind.
    pub(super) async fn create_branch(
        &mut self,
        name: &str,
        commit: &str,
    ) -> Result<(), GithubError> {
        let body = json!({"ref": format!("refs/heads/{name}"), "sha": commit});
        let made = self.send(Method::POST, &["git", "refs"], body).await;
        match made {
            Err(error) if says(&error, "already exists") => self.move_branch(name, commit).await,
            other => other,
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
        let base = &self.target.base;
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

    /// Labels a pull request. Creates the label if the repository does not have it.
    pub(super) async fn label(&mut self, number: u64) -> Result<(), GithubError> {
        if !self.has_label {
            self.ensure_label().await?;
            self.has_label = true;
        }
        let number = number.to_string();
        let parts = ["issues", &number, "labels"];
        let body = json!({"labels": [LABEL]});
        self.send(Method::POST, &parts, body).await
    }

    async fn ensure_label(&mut self) -> Result<(), GithubError> {
        let path = project_path(&self.target.repository, ["labels", LABEL]);
        match self.target.github.send(&GithubRequest::get(path)).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {}
            other => return other.map(drop),
        }
        let body = json!({"name": LABEL, "color": "ededed", "description": "Proposed by a job"});
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
        let path = project_path(&self.target.repository, parts.iter().copied());
        let request = GithubRequest::change(method, path, body);
        sleep_until(self.next).await;
        let answer = self.target.github.fetch(&request).await;
        self.next = Instant::now() + self.pause;
        answer
    }
}

/// The title and the body of a pull request.
#[derive(Debug)]
pub(super) struct Text {
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
