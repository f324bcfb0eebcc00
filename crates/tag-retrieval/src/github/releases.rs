//! The requests for releases.

use std::sync::Arc;

use http::StatusCode;
use tokio::time::timeout_at;

use super::client::Github;
use super::error::GithubError;
use super::project::{GithubProject, project_path};
use super::release::Release;
use super::request::GithubRequest;

/// Maximum number of pages: ten thousand releases, as many as GitHub lists.
const MAX_PAGES: usize = 100;

impl Github {
    /// Returns all releases, newest first, with drafts and prereleases. Fetches them once in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if a request fails.
    pub async fn releases(&self, project: &GithubProject) -> Result<Arc<[Release]>, GithubError> {
        let fetch = self.fetch_releases(project);
        self.within_deadline(
            self.shared
                .releases
                .get_or_try_init(project.clone(), || fetch),
            project,
        )
        .await
    }

    /// Returns the release marked as latest, if the project has one. Fetches it once in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if a request fails.
    pub async fn latest_release(
        &self,
        project: &GithubProject,
    ) -> Result<Option<Release>, GithubError> {
        let fetch = self.fetch_latest(project);
        self.within_deadline(
            self.shared
                .latest
                .get_or_try_init(project.clone(), || fetch),
            project,
        )
        .await
    }

    async fn fetch_releases(&self, project: &GithubProject) -> Result<Arc<[Release]>, GithubError> {
        let path = project_path(project, ["releases"]);
        let mut releases = Vec::new();
        for page in 1..=MAX_PAGES {
            let request = GithubRequest::get(format!("{path}?per_page=100&page={page}"));
            let response = self.send(&request).await;
            let response = response.map_err(|error| error.with_target(|| repository(project)))?;
            let page: Vec<Release> = self.document(&request, &response)?;
            releases.extend(page);
            if !response.has_next_page() {
                break;
            }
        }
        Ok(releases.into())
    }

    async fn fetch_latest(&self, project: &GithubProject) -> Result<Option<Release>, GithubError> {
        let request = GithubRequest::get(project_path(project, ["releases", "latest"]));
        match self.fetch(&request).await {
            Ok(release) => Ok(Some(release)),
            // The same status means a missing project: a second request distinguishes them.
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                let request = GithubRequest::get(project_path(project, []));
                let exists = self.send(&request).await;
                exists.map_err(|error| error.with_target(|| repository(project)))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for a fetch, which another entry may have started, until the deadline of this one.
    pub(super) async fn within_deadline<T>(
        &self,
        fetch: impl Future<Output = Result<T, GithubError>>,
        project: &GithubProject,
    ) -> Result<T, GithubError> {
        let start = tokio::time::Instant::now();
        let fetched = timeout_at(self.deadline(), fetch).await;
        fetched.unwrap_or_else(|_| {
            Err(GithubError::Timeout {
                method: http::Method::GET,
                url: project_path(project, []),
                after: start.elapsed(),
            })
        })
    }
}

fn repository(project: &GithubProject) -> String {
    format!("repository {project}")
}
