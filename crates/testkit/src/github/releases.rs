//! Releases.

use serde_json::{Value, json};

use super::answer::Answer;
use super::query::Query;
use super::state::Repository;

/// A release of a repository.
#[derive(Clone, Debug)]
pub struct Release {
    tag: String,
    published: Option<String>,
    draft: bool,
    prerelease: bool,
    latest: bool,
}

impl Release {
    /// A release that was published at the beginning of 2026.
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            published: Some("2026-01-01T00:00:00Z".to_owned()),
            draft: false,
            prerelease: false,
            latest: false,
        }
    }

    /// When it was published, in RFC 3339.
    #[must_use]
    pub fn published(mut self, time: &str) -> Self {
        self.published = Some(time.to_owned());
        self
    }

    /// Makes it a draft, which has no time.
    #[must_use]
    pub fn draft(mut self) -> Self {
        self.draft = true;
        self.published = None;
        self
    }

    /// Makes it a prerelease.
    #[must_use]
    pub fn prerelease(mut self) -> Self {
        self.prerelease = true;
        self
    }

    /// Marks it latest. Without such a mark none is.
    #[must_use]
    pub fn latest(mut self) -> Self {
        self.latest = true;
        self
    }

    fn document(&self, project: &str, number: usize) -> Value {
        json!({
            "id": number,
            "url": format!("https://api.github.com/repos/{project}/releases/{number}"),
            "html_url": format!("https://github.com/{project}/releases/tag/{}", self.tag),
            "tag_name": self.tag,
            "target_commitish": "main",
            "name": format!("Release {}", self.tag),
            "body": "Notes.",
            "draft": self.draft,
            "prerelease": self.prerelease,
            "created_at": "2025-12-31T00:00:00Z",
            "published_at": self.published,
            "assets": [],
        })
    }
}

impl Repository {
    /// All releases; drafts are shown to those who may write alone.
    pub(super) fn list_releases(&self, project: &str, url: &str, query: &Query) -> Answer {
        let documents = self.releases.iter().enumerate();
        let documents = documents.map(|(number, release)| release.document(project, number));
        query.page(url, documents.collect())
    }

    /// The release that is marked latest.
    pub(super) fn latest_release(&self, project: &str) -> Answer {
        let marked = self.releases.iter().position(|release| release.latest);
        match marked {
            Some(number) => Answer::ok(&self.releases[number].document(project, number)),
            None => Answer::not_found(),
        }
    }
}
