//! The requests for files.

use std::sync::Arc;

use http::StatusCode;

use super::client::Github;
use super::error::GithubError;
use super::project::{GithubProject, project_path, query_value};
use super::request::{Accept, GithubRequest};

impl Github {
    /// Returns a file at a tag, branch or commit. Returns `None` if the file or the project does not
    /// exist. Fetches the file once in a run.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if the request fails.
    pub async fn file(
        &self,
        project: &GithubProject,
        revision: &str,
        path: &str,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let key = (project.clone(), revision.to_owned(), path.to_owned());
        let fetch = self.fetch_file(project, revision, path);
        self.within_deadline(self.shared.files.get_or_try_init(key, || fetch), project)
            .await
    }

    async fn fetch_file(
        &self,
        project: &GithubProject,
        revision: &str,
        path: &str,
    ) -> Result<Option<Arc<str>>, GithubError> {
        let parts = std::iter::once("contents").chain(path.split('/'));
        let path = project_path(project, parts);
        let request = GithubRequest::get(format!("{path}?ref={}", query_value(revision)));
        match self.send(&request.accept(Accept::Raw)).await {
            Ok(response) => Ok(Some(response.text().into())),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
