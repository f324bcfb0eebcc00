//! A repository on GitLab. Its merge requests are pull requests here.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tag_retrieval::github::{GithubRequest, query_value};
use tag_retrieval::gitlab::{Gitlab, GitlabError};

use super::Marker;
use super::branch::PREFIX;
use super::host::{CommitInfo, Draft, Existing, Host, HostError, Opened};
use super::pulls::{Pull, PullState, Pulls};
use super::writer::{LABEL, Text};

/// Maximum pages of merge requests that are read, each with a hundred.
const PAGES: usize = 30;

/// A repository on GitLab.
#[derive(Debug)]
pub(crate) struct GitlabHost {
    gitlab: Gitlab,
    /// The path, `GROUP/PROJECT`.
    project: String,
    id: u64,
    base: String,
    commit: String,
    pause: Duration,
}

#[derive(Debug, Deserialize)]
struct ProjectDocument {
    id: u64,
    path_with_namespace: String,
    default_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BranchDocument {
    commit: CommitDocument,
}

#[derive(Debug, Deserialize)]
struct CommitDocument {
    id: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    parent_ids: Vec<String>,
}

/// A merge request, see <https://docs.gitlab.com/api/merge_requests/>.
#[derive(Debug, Deserialize)]
struct MergeRequest {
    iid: u64,
    web_url: String,
    state: String,
    description: Option<String>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    #[serde(default)]
    labels: Vec<String>,
    sha: Option<String>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    #[serde(default)]
    has_conflicts: bool,
    detailed_merge_status: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    id: u64,
}

impl GitlabHost {
    /// Reads the project and its branch `base`, or its default branch.
    ///
    /// # Errors
    ///
    /// [`GitlabError`] if one of them cannot be read.
    pub(crate) async fn open(
        gitlab: Gitlab,
        project: &str,
        base: Option<&str>,
        pause: Duration,
    ) -> Result<Self, GitlabError> {
        let request = GithubRequest::get(format!("/projects/{}", encoded(project)));
        let document: ProjectDocument = gitlab.fetch(&request).await?;
        let default = document.default_branch.unwrap_or_else(|| "main".to_owned());
        let mut host = Self {
            gitlab,
            project: document.path_with_namespace,
            id: document.id,
            base: base.map_or(default, str::to_owned),
            commit: String::new(),
            pause,
        };
        host.commit = host.branch_head(&host.base).await?;
        Ok(host)
    }

    /// Returns the path of the project in the API, with more segments.
    fn path(&self, rest: &str) -> String {
        format!("/projects/{}/{rest}", self.id)
    }

    async fn branch_head(&self, branch: &str) -> Result<String, GitlabError> {
        let path = self.path(&format!("repository/branches/{}", encoded(branch)));
        let document: BranchDocument = self.gitlab.fetch(&GithubRequest::get(path)).await?;
        Ok(document.commit.id)
    }

    async fn list(&self, query: &str, pages: usize) -> Result<(Vec<Pull>, bool), GitlabError> {
        let path = self.path("merge_requests");
        let target = query_value(&self.base);
        let mut pulls = Vec::new();
        for page in 1..=pages {
            let request = GithubRequest::get(format!(
                "{path}?{query}&target_branch={target}&order_by=created_at&sort=desc\
                 &per_page=100&page={page}"
            ));
            let response = self.gitlab.send(&request).await?;
            let documents: Vec<MergeRequest> = self.gitlab.document(&request, &response)?;
            pulls.extend(
                documents
                    .into_iter()
                    .filter_map(|document| self.own(document)),
            );
            if !response.has_next_page() {
                return Ok((pulls, false));
            }
        }
        Ok((pulls, true))
    }

    /// Returns the merge request if it is a proposal: it has a marker, and its branch is in the project,
    /// where only members can push.
    fn own(&self, document: MergeRequest) -> Option<Pull> {
        let body = document.description.unwrap_or_default();
        let marker = Marker::find(&body)?;
        let is_own = document.source_project_id == Some(self.id)
            && document.source_branch.starts_with(PREFIX)
            && document.target_branch == self.base;
        is_own.then_some(Pull {
            number: document.iid,
            url: document.web_url,
            state: match document.state.as_str() {
                "opened" | "locked" => PullState::Open,
                "merged" => PullState::Merged,
                _ => PullState::Closed,
            },
            branch: document.source_branch,
            head: document.sha.clone().unwrap_or_default(),
            // A fast-forward merge has no commit of its own.
            merge_commit: document
                .merge_commit_sha
                .or(document.squash_commit_sha)
                .or(document.sha),
            body,
            labels: document.labels,
            marker,
        })
    }

    async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<T, GitlabError> {
        let request = GithubRequest::change(method, self.path(path), body);
        let response = self.gitlab.fetch(&request).await;
        tokio::time::sleep(self.pause).await;
        response
    }

    async fn update(&self, number: u64, body: Value) -> Result<(), GitlabError> {
        let path = format!("merge_requests/{number}");
        let IgnoredAny = self.change(Method::PUT, &path, body).await?;
        Ok(())
    }
}

impl From<MergeRequest> for Opened {
    fn from(document: MergeRequest) -> Self {
        Self {
            number: document.iid,
            url: document.web_url,
        }
    }
}

impl Host for GitlabHost {
    fn repository(&self) -> String {
        self.project.clone()
    }

    fn base(&self) -> &str {
        &self.base
    }

    fn base_commit(&self) -> &str {
        &self.commit
    }

    async fn pulls(&self) -> Result<Pulls, HostError> {
        let mut pulls = Pulls::default();
        for state in ["opened", "closed", "merged"] {
            let (listed, is_cut) = self.list(&format!("state={state}"), PAGES).await?;
            pulls.known.extend(listed);
            pulls.are_cut |= is_cut;
        }
        Ok(pulls)
    }

    async fn pulls_of(&self, branch: &str) -> Result<Vec<Pull>, HostError> {
        let query = format!("state=all&source_branch={}", query_value(branch));
        Ok(self.list(&query, 1).await?.0)
    }

    async fn open_pull_of(&self, branch: &str) -> Result<Opened, HostError> {
        let (branch, target) = (query_value(branch), query_value(&self.base));
        let query = format!("state=opened&source_branch={branch}&target_branch={target}");
        let path = self.path(&format!("merge_requests?{query}"));
        let found: Vec<MergeRequest> = self.gitlab.fetch(&GithubRequest::get(path)).await?;
        match found.into_iter().next() {
            Some(document) => Ok(document.into()),
            None => Err(HostError::NoPull {
                branch: branch.clone(),
            }),
        }
    }

    async fn conflicts(&self, number: u64, attempts: usize) -> Result<bool, HostError> {
        let request = GithubRequest::get(self.path(&format!("merge_requests/{number}")));
        for attempt in 0..attempts {
            if attempt > 0 {
                tokio::time::sleep(self.pause).await;
            }
            let document: MergeRequest = self.gitlab.fetch(&request).await?;
            let status = document.detailed_merge_status.unwrap_or_default();
            if !matches!(status.as_str(), "unchecked" | "checking" | "preparing") {
                return Ok(document.has_conflicts || status == "conflict");
            }
        }
        Ok(false)
    }

    async fn file(&self, commit: &str, path: &str) -> Result<Option<Arc<str>>, HostError> {
        let path = format!("repository/files/{}/raw", encoded(path));
        let path = self.path(&format!("{path}?ref={}", query_value(commit)));
        match self.gitlab.send(&GithubRequest::get(path)).await {
            Ok(response) => Ok(Some(response.text().into())),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit(&self, hash: &str) -> Result<Option<CommitInfo>, HostError> {
        let path = self.path(&format!("repository/commits/{}", encoded(hash)));
        match self
            .gitlab
            .fetch::<CommitDocument>(&GithubRequest::get(path))
            .await
        {
            Ok(document) => Ok(Some(CommitInfo {
                message: document.message,
                parents: document.parent_ids.len(),
            })),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn head(&self, branch: &str) -> Result<String, HostError> {
        Ok(self.branch_head(branch).await?)
    }

    async fn put(
        &mut self,
        branch: &str,
        draft: Draft<'_>,
        existing: Existing,
    ) -> Result<Option<String>, HostError> {
        // An update keeps the mode of the file.
        let actions = draft.edited.iter().map(|(path, edit)| {
            let action = match edit.before {
                Some(_) => "update",
                None => "create",
            };
            json!({"action": action, "file_path": path, "content": edit.after})
        });
        let body = json!({
            "branch": branch,
            "start_sha": self.commit,
            "force": existing == Existing::Replace,
            "commit_message": draft.message,
            "actions": actions.collect::<Vec<_>>(),
        });
        let made = self
            .change::<CommitDocument>(Method::POST, "repository/commits", body)
            .await;
        match made {
            Ok(document) => Ok(Some(document.id)),
            Err(error) if existing == Existing::Keep && error.says("already exists") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn create_pull(
        &mut self,
        text: &Text,
        branch: &str,
    ) -> Result<Option<Opened>, HostError> {
        let body = json!({
            "title": text.title,
            "description": text.body,
            "source_branch": branch,
            "target_branch": self.base,
        });
        let made = self
            .change::<MergeRequest>(Method::POST, "merge_requests", body)
            .await;
        match made {
            Ok(document) => Ok(Some(document.into())),
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn update_pull(&mut self, number: u64, text: &Text) -> Result<(), HostError> {
        let body = json!({"title": text.title, "description": text.body});
        Ok(self.update(number, body).await?)
    }

    async fn close_pull(
        &mut self,
        number: u64,
        body: &str,
        comment: &str,
    ) -> Result<(), HostError> {
        let path = format!("merge_requests/{number}/notes");
        let IgnoredAny = self
            .change(Method::POST, &path, json!({"body": comment}))
            .await?;
        let closed = json!({"state_event": "close", "description": body});
        Ok(self.update(number, closed).await?)
    }

    async fn label(&mut self, number: u64, labels: &[String]) -> Result<(), HostError> {
        // GitLab creates labels that the project does not have.
        let all: Vec<&str> = [LABEL]
            .into_iter()
            .chain(labels.iter().map(String::as_str))
            .collect();
        Ok(self
            .update(number, json!({"add_labels": all.join(",")}))
            .await?)
    }

    async fn request_reviews(
        &mut self,
        number: u64,
        reviewers: &[String],
    ) -> Result<(), HostError> {
        let mut ids = Vec::new();
        for name in reviewers {
            let request = GithubRequest::get(format!("/users?username={}", query_value(name)));
            let found: Vec<User> = self.gitlab.fetch(&request).await?;
            let Some(user) = found.first() else {
                return Err(HostError::NoUser { name: name.clone() });
            };
            ids.push(user.id);
        }
        Ok(self.update(number, json!({"reviewer_ids": ids})).await?)
    }
}

/// Encodes a name as one segment of a path.
fn encoded(name: &str) -> String {
    query_value(name).replace('+', "%20")
}
