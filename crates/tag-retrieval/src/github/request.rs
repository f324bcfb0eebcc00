//! A request to GitHub.

use http::Method;
use serde_json::Value;

/// The format of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// A JSON document.
    Document,
    /// The content of a file.
    Raw,
}

impl Accept {
    /// Returns the media type (<https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types>).
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Document => "application/vnd.github+json",
            Self::Raw => "application/vnd.github.raw+json",
        }
    }
}

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub struct GithubRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: Accept,
    pub(super) body: Option<Value>,
}

impl GithubRequest {
    /// Creates a GET request for a document. `path` begins with `/repos/`, is encoded and may have a query.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            accept: Accept::Document,
            body: None,
        }
    }

    /// Creates a request that changes data.
    #[must_use]
    pub fn change(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self {
            method,
            path: path.into(),
            accept: Accept::Document,
            body: Some(body),
        }
    }

    /// Sets the format of the response.
    #[must_use]
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }
}
