//! The error of content that is not at a registry.

use std::fmt;
use std::sync::Arc;

use http::{Response, StatusCode};
use reqwest::Body;

/// Content of this machine that cannot be read or written, such as a file. It is not retried.
///
/// As the response of a registry inside this process, or in the stream of its body, it becomes
/// [`Error::Local`](crate::Error::Local).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct LocalError {
    message: Arc<str>,
}

impl LocalError {
    /// Creates an error. The message names the file, and says what failed and why.
    #[must_use]
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string().into(),
        }
    }

    /// Returns the response that carries the error.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }
}
