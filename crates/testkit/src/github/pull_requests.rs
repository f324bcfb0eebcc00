//! Pull requests (<https://docs.github.com/en/rest/pulls>) and their labels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::git_store::GitStore;
use super::query::Query;
use super::response::ApiResponse;

/// GitHub's limit for titles, in characters.
const MAX_TITLE: usize = 256;
/// GitHub's limit for bodies, in characters.
const MAX_BODY: usize = 65_536;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Counted from 1.
    pub number: usize,
    /// One line.
    pub title: String,
    /// In Markdown.
    pub body: String,
    /// The branch to merge.
    pub head: String,
    /// The repository of the branch: another one for a fork.
    pub head_repository: String,
    /// The branch to merge into.
    pub base: String,
    /// Open or closed.
    pub state: PullState,
    /// The names of its labels.
    pub labels: Vec<String>,
}

/// The state of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    /// Not yet merged or closed.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

impl PullState {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            // As GitHub has it; `merged_at` tells them apart.
            Self::Closed | Self::Merged => "closed",
        }
    }
}

impl Pull {
    fn document(&self, project: &str, git: &GitStore, merge_commit: Option<&str>) -> Value {
        let owner = self.head_repository.split('/').next().unwrap_or_default();
        json!({
            "id": self.number + 1000,
            "number": self.number,
            "html_url": format!("https://github.com/{project}/pull/{}", self.number),
            "state": self.state.name(),
            "title": self.title,
            "body": self.body,
            "labels": self.labels.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
            "head": {
                "label": format!("{owner}:{}", self.head),
                "ref": self.head,
                "sha": git.head(&self.head).unwrap_or_default(),
                "repo": {"full_name": self.head_repository},
            },
            "base": {"ref": self.base, "repo": {"full_name": project}},
            "merged_at": merge_commit.map(|_| "2026-01-01T00:00:00Z"),
            "merge_commit_sha": merge_commit,
        })
    }
}

/// The pull requests and labels of one repository.
#[derive(Debug, Default)]
pub(super) struct PullRequests {
    /// In the order of their numbers, from 1.
    pub(super) pulls: Vec<Pull>,
    pub(super) labels: BTreeSet<String>,
    /// By number of a pull request.
    pub(super) reviewers: BTreeMap<usize, Vec<String>>,
    /// By number of a pull request.
    pub(super) comments: BTreeMap<usize, Vec<String>>,
    /// By number of a pull request.
    pub(super) merge_commits: BTreeMap<usize, String>,
}

impl PullRequests {
    /// Returns a page of the pull requests, newest first, filtered by `state`, `base` and `head` (`OWNER:BRANCH`).
    pub(super) fn list(
        &self,
        project: &str,
        git: &GitStore,
        url: &str,
        query: &Query,
    ) -> ApiResponse {
        let state = query.get("state").unwrap_or("open");
        let of_state = |pull: &&Pull| state == "all" || pull.state.name() == state;
        let documents = self.pulls.iter().filter(of_state);
        let documents = documents.map(|pull| self.document(pull, project, git));
        let head = query.get("head");
        let base = query.get("base");
        let of_head = |document: &Value| {
            head.is_none_or(|head| document["head"]["label"] == head)
                && base.is_none_or(|base| document["base"]["ref"] == base)
        };
        let mut documents: Vec<_> = documents.filter(of_head).collect();
        if query.get("direction") != Some("asc") {
            documents.reverse();
        }
        query.page(url, documents)
    }

    fn document(&self, pull: &Pull, project: &str, git: &GitStore) -> Value {
        let merge_commit = self.merge_commits.get(&pull.number);
        pull.document(project, git, merge_commit.map(String::as_str))
    }

    /// Returns one pull request with the fields that lists do not have.
    pub(super) fn get(&self, project: &str, git: &GitStore, number: usize) -> ApiResponse {
        let index = number.checked_sub(1);
        let Some(pull) = index.and_then(|index| self.pulls.get(index)) else {
            return ApiResponse::not_found();
        };
        let mut document = self.document(pull, project, git);
        document["mergeable"] = json!(!git.conflicts(&pull.base, &pull.head));
        ApiResponse::ok(&document)
    }

    /// Requests reviews. The author of a pull request, `robot`, cannot be asked.
    pub(super) fn request_reviews(&mut self, number: usize, document: &Value) -> ApiResponse {
        let mut names = Vec::new();
        for (key, prefix) in [("reviewers", ""), ("team_reviewers", "team:")] {
            let all = document[key].as_array().into_iter().flatten();
            names.extend(
                all.filter_map(Value::as_str)
                    .map(|name| format!("{prefix}{name}")),
            );
        }
        if names.iter().any(|name| name == "robot") {
            let message = "Review cannot be requested from pull request author.";
            return ApiResponse::unprocessable(message);
        }
        let known = self.reviewers.entry(number).or_default();
        for name in names {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        ApiResponse::created(&json!({}))
    }

    pub(super) fn comment(&mut self, number: usize, document: &Value) -> ApiResponse {
        let body = document["body"].as_str().unwrap_or_default().to_owned();
        self.comments.entry(number).or_default().push(body);
        ApiResponse::created(&json!({}))
    }

    pub(super) fn create(
        &mut self,
        project: &str,
        git: &GitStore,
        document: &Value,
    ) -> ApiResponse {
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let (head, base) = (text("head"), text("base"));
        if !git.has_branch(&head) || !git.has_branch(&base) {
            return ApiResponse::invalid("head or base is invalid");
        }
        let same =
            |pull: &Pull| pull.head == head && pull.base == base && pull.head_repository == project;
        let mut open = self
            .pulls
            .iter()
            .filter(|pull| pull.state == PullState::Open);
        if open.any(same) {
            let message = format!("A pull request already exists for {project}:{head}.");
            return ApiResponse::invalid(&message);
        }
        let pull = Pull {
            number: self.pulls.len() + 1,
            title: text("title"),
            body: text("body"),
            head,
            head_repository: project.to_owned(),
            base,
            state: PullState::Open,
            labels: Vec::new(),
        };
        if let Some(error) = too_long(&pull) {
            return error;
        }
        let response = ApiResponse::created(&pull.document(project, git, None));
        self.pulls.push(pull);
        response
    }

    pub(super) fn update(
        &mut self,
        project: &str,
        git: &GitStore,
        number: usize,
        new: &Value,
    ) -> ApiResponse {
        let index = number.checked_sub(1);
        let Some(old) = index.and_then(|index| self.pulls.get_mut(index)) else {
            return ApiResponse::not_found();
        };
        let mut pull = old.clone();
        if let Some(title) = new["title"].as_str() {
            title.clone_into(&mut pull.title);
        }
        if let Some(body) = new["body"].as_str() {
            body.clone_into(&mut pull.body);
        }
        match new["state"].as_str() {
            Some("open") => pull.state = PullState::Open,
            Some("closed") => pull.state = PullState::Closed,
            _ => {}
        }
        if let Some(error) = too_long(&pull) {
            return error;
        }
        *old = pull;
        ApiResponse::ok(&old.document(project, git, None))
    }

    pub(super) fn label(&self, name: &str) -> ApiResponse {
        match self.labels.contains(name) {
            true => ApiResponse::ok(&json!({"name": name})),
            false => ApiResponse::not_found(),
        }
    }

    pub(super) fn create_label(&mut self, document: &Value) -> ApiResponse {
        let Some(name) = document["name"].as_str() else {
            return ApiResponse::invalid("name is missing");
        };
        if !self.labels.insert(name.to_owned()) {
            return ApiResponse::invalid("already_exists");
        }
        ApiResponse::created(&json!({"name": name}))
    }

    /// Adds labels to a pull request. GitHub creates missing labels; this server refuses them, so that
    /// a test fails if the code under test relies on that.
    pub(super) fn add_labels(&mut self, number: usize, document: &Value) -> ApiResponse {
        let names = document["labels"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(Value::as_str).map(str::to_owned).collect();
        if let Some(missing) = names.iter().find(|name| !self.labels.contains(*name)) {
            return ApiResponse::unprocessable(&format!("Label does not exist: {missing}"));
        }
        let index = number.checked_sub(1);
        let Some(pull) = index.and_then(|index| self.pulls.get_mut(index)) else {
            return ApiResponse::not_found();
        };
        for name in names {
            if !pull.labels.contains(&name) {
                pull.labels.push(name);
            }
        }
        ApiResponse::ok(&json!(pull.labels))
    }
}

fn too_long(pull: &Pull) -> Option<ApiResponse> {
    if pull.title.is_empty() || pull.title.chars().count() > MAX_TITLE {
        return Some(ApiResponse::invalid(
            "title is too long (maximum is 256 characters)",
        ));
    }
    let long = pull.body.chars().count() > MAX_BODY;
    long.then(|| ApiResponse::invalid("body is too long (maximum is 65536 characters)"))
}
