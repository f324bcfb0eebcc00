//! Releases.

use serde_json::{Value, json};

use super::query::Query;
use super::response::ApiResponse;

/// The releases of one repository, newest first.
#[derive(Debug, Default)]
pub(super) struct Releases(Vec<Release>);

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
    /// Creates a release that was published at the beginning of 2026.
    pub fn new(tag: &str) -> Self {
        Self {
            tag: tag.to_owned(),
            published: Some("2026-01-01T00:00:00Z".to_owned()),
            draft: false,
            prerelease: false,
            latest: false,
        }
    }

    /// Sets the publication time, in RFC 3339.
    #[must_use]
    pub fn published(mut self, time: &str) -> Self {
        self.published = Some(time.to_owned());
        self
    }

    /// Makes it a draft, which has no publication time.
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

    /// Marks it as the latest release. Without this call no release is the latest.
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

impl Releases {
    /// Adds a release before the others.
    pub(super) fn add(&mut self, release: Release) {
        self.0.insert(0, release);
    }

    /// Returns a page of all releases, drafts included.
    pub(super) fn list(&self, project: &str, url: &str, query: &Query) -> ApiResponse {
        let documents = self.0.iter().enumerate();
        let documents = documents.map(|(number, release)| release.document(project, number));
        query.page(url, documents.collect())
    }

    /// Returns the release that is marked as the latest.
    pub(super) fn latest(&self, project: &str) -> ApiResponse {
        let marked = self.0.iter().position(|release| release.latest);
        match marked {
            Some(number) => ApiResponse::ok(&self.0[number].document(project, number)),
            None => ApiResponse::not_found(),
        }
    }
}
