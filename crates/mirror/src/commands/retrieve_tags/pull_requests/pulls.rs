//! Reading the existing pull requests.

use std::time::Duration;

use serde::Deserialize;
use tag_retrieval::github::{GithubError, GithubRequest, project_path, query_value};

use super::Marker;
use super::branch::PREFIX;
use super::target::Target;

/// Maximum pages of open pull requests that are read, each with a hundred.
const OPEN_PAGES: usize = 30;
/// Maximum pages of closed pull requests that are read, newest first. An older one is found only by
/// its branch, which has the hash of the first set that it proposed.
const CLOSED_PAGES: usize = 30;

/// The state of a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PullState {
    /// The pull request is open.
    Open,
    /// The pull request was closed without a merge.
    Closed,
    /// The pull request was merged.
    Merged,
}

/// The label that takes back the decision against the rows of a closed pull request.
pub(crate) const PROPOSE_AGAIN: &str = "mirror/propose-again";

/// A pull request with a marker.
#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(super) number: u64,
    pub(super) url: String,
    pub(super) state: PullState,
    pub(super) branch: String,
    /// The hash of the commit at the head of the branch.
    pub(super) head: String,
    /// The hash of the commit on the target branch, if it was merged.
    pub(super) merge_commit: Option<String>,
    pub(super) body: String,
    pub(super) labels: Vec<String>,
    pub(super) marker: Marker,
}

impl Pull {
    /// Returns true if its rows may be proposed again.
    pub(super) fn is_taken_back(&self) -> bool {
        self.state != PullState::Open && self.labels.iter().any(|label| label == PROPOSE_AGAIN)
    }
}

/// The pull requests with markers into one branch.
#[derive(Debug, Default)]
pub(crate) struct Pulls {
    /// Newest first, the open ones before the closed.
    pub(super) known: Vec<Pull>,
    /// There are more pull requests that were not read.
    pub(super) are_cut: bool,
}

/// A pull request in the API, see <https://docs.github.com/en/rest/pulls/pulls>.
#[derive(Debug, Deserialize)]
pub(super) struct PullDocument {
    pub(super) number: u64,
    pub(super) html_url: String,
    state: String,
    body: Option<String>,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    #[serde(default)]
    labels: Vec<LabelDocument>,
    head: Side,
    base: Side,
}

#[derive(Debug, Deserialize)]
struct LabelDocument {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    #[serde(default)]
    sha: String,
    /// The repository; `None` for a deleted fork.
    repo: Option<SideRepository>,
}

#[derive(Debug, Deserialize)]
struct SideRepository {
    full_name: String,
}

impl PullDocument {
    /// Returns the pull request if it is a proposal into the target branch: it has a marker, and its
    /// branch is in the target repository, where only members can push.
    fn own(self, target: &Target) -> Option<Pull> {
        let from = self.head.repo?.full_name;
        let is_own = from.eq_ignore_ascii_case(&target.repository.to_string());
        let is_own = is_own && self.head.branch.starts_with(PREFIX);
        let body = self.body.unwrap_or_default();
        let marker = Marker::find(&body)?;
        (is_own && self.base.branch == target.base).then_some(Pull {
            number: self.number,
            url: self.html_url,
            state: match (self.state.as_str(), self.merged_at) {
                ("open", _) => PullState::Open,
                (_, Some(_)) => PullState::Merged,
                (_, None) => PullState::Closed,
            },
            branch: self.head.branch,
            head: self.head.sha,
            merge_commit: self.merge_commit_sha,
            body,
            labels: self.labels.into_iter().map(|label| label.name).collect(),
            marker,
        })
    }
}

/// Reads the pull requests into the target branch: the open ones, and the newest closed ones. The
/// search API would find all, but lists a new pull request only after a delay.
pub(super) async fn list(target: &Target) -> Result<Pulls, GithubError> {
    let mut pulls = Pulls::default();
    for (state, pages) in [("open", OPEN_PAGES), ("closed", CLOSED_PAGES)] {
        let query = format!(
            "state={state}&base={}&sort=created&direction=desc",
            query_value(&target.base)
        );
        let (documents, is_cut) = read(target, &query, pages).await?;
        let own = documents.into_iter();
        let own = own.filter_map(|document| document.own(target));
        pulls.known.extend(own);
        pulls.are_cut |= is_cut;
    }
    Ok(pulls)
}

/// Reads the pull requests from one branch, open and closed, of any age.
pub(super) async fn of_branch(target: &Target, branch: &str) -> Result<Vec<Pull>, GithubError> {
    let head = query_value(&format!("{}:{branch}", target.repository.owner));
    let query = format!("state=all&head={head}");
    let (documents, _) = read(target, &query, 1).await?;
    let own = documents.into_iter();
    Ok(own.filter_map(|document| document.own(target)).collect())
}

/// Reads pages of pull requests. Returns true if there are more pages.
async fn read(
    target: &Target,
    query: &str,
    pages: usize,
) -> Result<(Vec<PullDocument>, bool), GithubError> {
    let path = project_path(&target.repository, ["pulls"]);
    let mut all = Vec::new();
    for page in 1..=pages {
        let request = GithubRequest::get(format!("{path}?{query}&per_page=100&page={page}"));
        let answer = target.github.send(&request).await?;
        let documents: Vec<PullDocument> = target.github.document(&request, &answer)?;
        all.extend(documents);
        if !answer.has_next_page() {
            return Ok((all, false));
        }
    }
    Ok((all, true))
}

/// Reads the open pull request from a branch, with or without a marker.
pub(super) async fn open_of_branch(
    target: &Target,
    branch: &str,
) -> Result<PullDocument, GithubError> {
    let head = query_value(&format!("{}:{branch}", target.repository.owner));
    let query = format!("state=open&head={head}&base={}", query_value(&target.base));
    let (documents, _) = read(target, &query, 1).await?;
    let of_branch = |document: &PullDocument| {
        document.head.branch == branch && document.base.branch == target.base
    };
    let found = documents.into_iter().find(of_branch);
    found.ok_or_else(|| GithubError::Protocol {
        url: project_path(&target.repository, ["pulls"]),
        detail: format!("{branch} has a pull request and there is none"),
    })
}

/// Returns true if GitHub says that a pull request conflicts with its target branch. It computes that in
/// the background: a few `attempts` wait for the result, and an unknown one is no conflict.
pub(super) async fn conflicts(
    target: &Target,
    number: u64,
    attempts: usize,
    pause: Duration,
) -> Result<bool, GithubError> {
    #[derive(Deserialize)]
    struct Mergeable {
        mergeable: Option<bool>,
    }
    let path = project_path(&target.repository, ["pulls", &number.to_string()]);
    let request = GithubRequest::get(path);
    for attempt in 0..attempts {
        if attempt > 0 {
            tokio::time::sleep(pause).await;
        }
        let Mergeable { mergeable } = target.github.fetch(&request).await?;
        if let Some(mergeable) = mergeable {
            return Ok(!mergeable);
        }
    }
    Ok(false)
}
