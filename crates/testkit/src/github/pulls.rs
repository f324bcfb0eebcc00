//! Pull requests (<https://docs.github.com/en/rest/pulls>).

use serde_json::{Value, json};

use super::answer::Answer;
use super::query::Query;
use super::state::Repository;

/// The longest title that GitHub takes, in characters.
const LONGEST_TITLE: usize = 256;
/// The longest body that GitHub takes, in characters.
const LONGEST_BODY: usize = 65_536;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Counted from 1.
    pub number: usize,
    /// One line.
    pub title: String,
    /// In Markdown.
    pub body: String,
    /// The branch that is to be merged.
    pub head: String,
    /// The repository that has it: a fork's is another.
    pub head_repository: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Whether it is done with.
    pub state: PullState,
    /// By name.
    pub labels: Vec<String>,
}

/// Whether a pull request is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullState {
    /// It is not.
    Open,
    /// Closed or merged.
    Closed,
}

impl PullState {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

impl Pull {
    fn document(&self, project: &str) -> Value {
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
                "repo": {"full_name": self.head_repository},
            },
            "base": {"ref": self.base, "repo": {"full_name": project}},
            "merged_at": null,
        })
    }
}

impl Repository {
    /// The pull requests, newest first, filtered by `state`, `base` and `head` (`OWNER:BRANCH`).
    pub(super) fn list_pulls(&self, project: &str, url: &str, query: &Query) -> Answer {
        let state = query.get("state").unwrap_or("open");
        let of_state = |pull: &&Pull| state == "all" || pull.state.name() == state;
        let documents = self.pulls.iter().filter(of_state);
        let documents = documents.map(|pull| pull.document(project));
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

    pub(super) fn create_pull(&mut self, project: &str, document: &Value) -> Answer {
        let text = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let (head, base) = (text("head"), text("base"));
        let known = |branch: &str| self.refs.contains_key(&format!("heads/{branch}"));
        if !known(&head) || !known(&base) {
            return Answer::invalid("head or base is invalid");
        }
        let same =
            |pull: &Pull| pull.head == head && pull.base == base && pull.head_repository == project;
        let mut open = self
            .pulls
            .iter()
            .filter(|pull| pull.state == PullState::Open);
        if open.any(same) {
            let message = format!("A pull request already exists for {project}:{head}.");
            return Answer::invalid(&message);
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
        if let Some(refusal) = too_long(&pull) {
            return refusal;
        }
        let answer = Answer::created(&pull.document(project));
        self.pulls.push(pull);
        answer
    }

    pub(super) fn update_pull(&mut self, project: &str, number: usize, new: &Value) -> Answer {
        let index = number.checked_sub(1);
        let Some(old) = index.and_then(|index| self.pulls.get_mut(index)) else {
            return Answer::not_found();
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
        if let Some(refusal) = too_long(&pull) {
            return refusal;
        }
        *old = pull;
        Answer::ok(&old.document(project))
    }
}

fn too_long(pull: &Pull) -> Option<Answer> {
    if pull.title.is_empty() || pull.title.chars().count() > LONGEST_TITLE {
        return Some(Answer::invalid(
            "title is too long (maximum is 256 characters)",
        ));
    }
    let long = pull.body.chars().count() > LONGEST_BODY;
    long.then(|| Answer::invalid("body is too long (maximum is 65536 characters)"))
}
