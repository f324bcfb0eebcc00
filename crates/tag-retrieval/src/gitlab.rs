//! A client for GitLab's REST API (<https://docs.gitlab.com/api/rest/>).
//!
//! It has the limits, retries and deadlines of the client for [GitHub](crate::github), and sends the
//! token as GitHub's. The host of the token is fixed: no other host receives it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::github::{
    ApiUrl, Github, GithubError, GithubOptions, GithubRequest, GithubResponse, Token,
};

/// A client for one GitLab.
#[derive(Debug, Clone)]
pub struct Gitlab {
    client: Github,
    host: String,
}

/// An error of a request to GitLab. No variant holds the token.
#[derive(Debug, Clone)]
pub struct GitlabError(GithubError);

impl Gitlab {
    /// Creates a client for the API at `https://HOST/api/v4`. No request is sent.
    #[must_use]
    pub fn new(api: &ApiUrl, token: Option<Token>, timeout: Duration) -> Self {
        let text = api.as_str();
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or(rest).to_lowercase();
        let options = GithubOptions {
            api: api.clone(),
            token,
            timeout,
            ..GithubOptions::default()
        };
        Self {
            client: Github::new(options),
            host,
        }
    }

    /// Returns the host with its port, if it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request and returns the successful response.
    ///
    /// # Errors
    ///
    /// [`GitlabError`] if no attempt succeeds.
    pub async fn send(&self, request: &GithubRequest) -> Result<GithubResponse, GitlabError> {
        self.client.send(request).await.map_err(GitlabError)
    }

    /// Sends a request and parses the document in the response.
    ///
    /// # Errors
    ///
    /// [`GitlabError`] if no attempt succeeds.
    pub async fn fetch<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
    ) -> Result<T, GitlabError> {
        self.client.fetch(request).await.map_err(GitlabError)
    }

    /// Parses the document in a response.
    ///
    /// # Errors
    ///
    /// [`GitlabError`] if the body is not such a document.
    pub fn document<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
        response: &GithubResponse,
    ) -> Result<T, GitlabError> {
        self.client.document(request, response).map_err(GitlabError)
    }
}

impl GitlabError {
    /// Returns the status, for an error that has one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status()
    }

    /// Returns true for a response with a status whose message contains `words`.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        match &self.0 {
            GithubError::Status { message, .. } => message.contains(words),
            _ => false,
        }
    }
}

impl fmt::Display for GitlabError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let text = text.replace("GITHUB_API_URL", "the remote");
        f.write_str(&text.replace("GitHub", "GitLab").replace("GITHUB", "GITLAB"))
    }
}

impl std::error::Error for GitlabError {}
