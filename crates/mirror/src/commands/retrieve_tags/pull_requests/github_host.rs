//! A repository on GitHub.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tag_retrieval::github::{Github, GithubError, GithubProject, GithubRequest, project_path};

use super::host::{CommitInfo, Draft, Existing, Host, HostError, Opened};
use super::pulls::{Pull, PullDocument, Pulls, conflicts, list, of_branch, open_of_branch};
use super::target::Target;
use super::writer::{Text, TreeFile, Writer};

/// A repository on GitHub.
#[derive(Debug)]
pub(crate) struct GithubHost {
    target: Target,
    writer: Writer,
    /// The modes of files on the target branch, by path.
    modes: HashMap<String, String>,
    pause: Duration,
}

#[derive(Debug, Deserialize)]
struct CommitDocument {
    message: String,
    parents: Vec<Parent>,
}

#[derive(Debug, Deserialize)]
struct Parent {}

impl GithubHost {
    /// Reads the repository and its branch `base`, or its default branch.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if one of them cannot be read.
    pub(crate) async fn open(
        github: &Github,
        repository: &GithubProject,
        base: Option<&str>,
        pause: Duration,
    ) -> Result<Self, GithubError> {
        let target = Target::read(github, repository, base).await?;
        Ok(Self {
            writer: Writer::new(&target, pause),
            modes: HashMap::new(),
            pause,
            target,
        })
    }

    async fn mode_of(&mut self, path: &str) -> Result<String, GithubError> {
        if let Some(mode) = self.modes.get(path) {
            return Ok(mode.clone());
        }
        let mode = self.target.file_mode(path).await?;
        self.modes.insert(path.to_owned(), mode.clone());
        Ok(mode)
    }
}

impl From<PullDocument> for Opened {
    fn from(document: PullDocument) -> Self {
        Self {
            number: document.number,
            url: document.html_url,
        }
    }
}

impl Host for GithubHost {
    fn repository(&self) -> String {
        self.target.repository.to_string()
    }

    fn base(&self) -> &str {
        &self.target.base
    }

    fn base_commit(&self) -> &str {
        &self.target.commit
    }

    async fn pulls(&self) -> Result<Pulls, HostError> {
        Ok(list(&self.target).await?)
    }

    async fn pulls_of(&self, branch: &str) -> Result<Vec<Pull>, HostError> {
        Ok(of_branch(&self.target, branch).await?)
    }

    async fn open_pull_of(&self, branch: &str) -> Result<Opened, HostError> {
        Ok(open_of_branch(&self.target, branch).await?.into())
    }

    async fn conflicts(&self, number: u64, attempts: usize) -> Result<bool, HostError> {
        Ok(conflicts(&self.target, number, attempts, self.pause).await?)
    }

    async fn file(&self, commit: &str, path: &str) -> Result<Option<Arc<str>>, HostError> {
        let Target {
            github, repository, ..
        } = &self.target;
        Ok(github.file(repository, commit, path).await?)
    }

    async fn commit(&self, hash: &str) -> Result<Option<CommitInfo>, HostError> {
        let path = project_path(&self.target.repository, ["git", "commits", hash]);
        let document = self.target.github.fetch(&GithubRequest::get(path)).await;
        match document {
            Ok(CommitDocument { message, parents }) => Ok(Some(CommitInfo {
                message,
                parents: parents.len(),
            })),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn head(&self, branch: &str) -> Result<String, HostError> {
        Ok(self.target.head(branch).await?)
    }

    async fn put(
        &mut self,
        branch: &str,
        draft: Draft<'_>,
        existing: Existing,
    ) -> Result<Option<String>, HostError> {
        let mut files = Vec::new();
        for (path, edit) in draft.edited {
            files.push(TreeFile {
                path: path.clone(),
                mode: self.mode_of(path).await?,
                blob: self.writer.blob(&edit.after).await?,
            });
        }
        let tree = self.writer.tree(&self.target.tree, &files).await?;
        let parent = &self.target.commit;
        let commit = self.writer.commit(parent, &tree, draft.message).await?;
        match existing {
            Existing::Keep => {
                let is_new = self.writer.create_branch(branch, &commit).await?;
                Ok(is_new.then_some(commit))
            }
            Existing::Replace => {
                self.writer.move_branch(branch, &commit).await?;
                Ok(Some(commit))
            }
        }
    }

    async fn create_pull(
        &mut self,
        text: &Text,
        branch: &str,
    ) -> Result<Option<Opened>, HostError> {
        let made = self.writer.create_pull(text, branch).await?;
        Ok(made.map(Opened::from))
    }

    async fn update_pull(&mut self, number: u64, text: &Text) -> Result<(), HostError> {
        Ok(self.writer.update_pull(number, text).await?)
    }

    async fn close_pull(
        &mut self,
        number: u64,
        body: &str,
        comment: &str,
    ) -> Result<(), HostError> {
        Ok(self.writer.close_pull(number, body, comment).await?)
    }

    async fn label(&mut self, number: u64, labels: &[String]) -> Result<(), HostError> {
        Ok(self.writer.label(number, labels).await?)
    }

    async fn request_reviews(
        &mut self,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), HostError> {
        Ok(self.writer.request_reviews(number, reviewers).await?)
    }
}
