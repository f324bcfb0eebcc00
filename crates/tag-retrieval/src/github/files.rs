//! Files of a project.

use std::sync::Arc;

use http::StatusCode;

use super::client::Github;
use super::error::GithubError;
use super::path::{project_path, query_value};
use super::request::{Accept, GithubRequest};
use crate::config::GithubProject;

impl Github {
    /// The file at a tag, a branch or a commit; `None` where it has none, or where there is no such
    /// project. Fetched once in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`]
    pub async fn file(
        &self,
        project: &GithubProject,
        at: &str,
        path: &str,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let key = (project.clone(), at.to_owned(), path.to_owned());
        let fetch = self.fetch_file(project, at, path);
        self.in_time(self.shared.files.get(key, fetch), project)
            .await
    }

    async fn fetch_file(
        &self,
        project: &GithubProject,
        at: &str,
        path: &str,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let parts = std::iter::once("contents").chain(path.split('/'));
        let place = project_path(project, parts);
        let request = GithubRequest::get(format!("{place}?ref={}", query_value(at)));
        match self.send(&request.accept(Accept::Raw)).await {
            Ok(answer) => Ok(Some(answer.text().into())),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
