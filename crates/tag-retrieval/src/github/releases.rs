//! Releases of a project.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use tokio::time::timeout_at;

use super::client::Github;
use super::error::GithubError;
use super::path::project_path;
use super::request::GithubRequest;
use crate::config::GithubProject;

/// The most pages of a hundred releases that are read; GitHub itself lists ten thousand.
const PAGES: usize = 100;

/// A release, as <https://docs.github.com/en/rest/releases/releases> has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// Its git tag.
    #[serde(rename = "tag_name")]
    pub tag: String,
    /// Not published yet; shown to those who may write alone.
    #[serde(default)]
    pub draft: bool,
    /// Marked as not ready for production.
    #[serde(default)]
    pub prerelease: bool,
    /// In RFC 3339; none for a draft.
    #[serde(default)]
    published_at: Option<String>,
    /// Its page.
    #[serde(default)]
    pub html_url: String,
}

impl Release {
    /// When it was published.
    #[must_use]
    pub fn published(&self) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(self.published_at.as_deref()?);
        Some(time.ok()?.to_utc())
    }
}

impl Github {
    /// All releases, drafts and prereleases included, in GitHub's order: newest first. Fetched once
    /// in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`]
    pub async fn releases(&self, project: &GithubProject) -> Result<Arc<[Release]>, GithubError> {
        let fetch = self.fetch_releases(project);
        self.in_time(self.shared.releases.get(project.clone(), fetch), project)
            .await
    }

    /// The release that is marked latest; `None` where the project has none. Fetched once in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`]
    pub async fn latest_release(
        &self,
        project: &GithubProject,
    ) -> Result<Option<Release>, GithubError> {
        let fetch = self.fetch_latest(project);
        self.in_time(self.shared.latest.get(project.clone(), fetch), project)
            .await
    }

    async fn fetch_releases(&self, project: &GithubProject) -> Result<Arc<[Release]>, GithubError> {
        let path = project_path(project, ["releases"]);
        let mut releases = Vec::new();
        for page in 1..=PAGES {
            let request = GithubRequest::get(format!("{path}?per_page=100&page={page}"));
            let answer = self.send(&request).await;
            let answer = answer.map_err(|error| error.of(|| repository(project)))?;
            let of_page: Vec<Release> = self.document(&request, &answer)?;
            releases.extend(of_page);
            if !answer.has_next_page() {
                break;
            }
        }
        Ok(releases.into())
    }

    async fn fetch_latest(&self, project: &GithubProject) -> Result<Option<Release>, GithubError> {
        let request = GithubRequest::get(project_path(project, ["releases", "latest"]));
        match self.fetch(&request).await {
            Ok(release) => Ok(Some(release)),
            // Also where there is no such project: the one is told from the other.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                let request = GithubRequest::get(project_path(project, []));
                let known = self.send(&request).await;
                known.map_err(|error| error.of(|| repository(project)))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for what another may be fetching, until the own deadline.
    pub(super) async fn in_time<T>(
        &self,
        fetch: impl Future<Output = Result<T, GithubError>>,
        project: &GithubProject,
    ) -> Result<T, GithubError> {
        let begun = tokio::time::Instant::now();
        let fetched = timeout_at(self.deadline(), fetch).await;
        fetched.unwrap_or_else(|_| {
            Err(GithubError::Timeout {
                method: http::Method::GET,
                url: project_path(project, []),
                after: begun.elapsed(),
            })
        })
    }
}

fn repository(project: &GithubProject) -> String {
    format!("repository {project}")
}
