//! Responses in the form of GitHub's REST API.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// A response with its body in memory.
#[derive(Clone, Debug)]
pub(super) struct ApiResponse {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl ApiResponse {
    pub(super) fn json(status: StatusCode, document: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json; charset=utf-8".to_owned())],
            body: document.to_string().into_bytes(),
        }
    }

    pub(super) fn ok(document: &Value) -> Self {
        Self::json(StatusCode::OK, document)
    }

    pub(super) fn created(document: &Value) -> Self {
        Self::json(StatusCode::CREATED, document)
    }

    /// Creates an error in GitHub's form.
    pub(super) fn error(status: StatusCode, message: &str) -> Self {
        let document = json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.as_u16().to_string(),
        });
        Self::json(status, &document)
    }

    pub(super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Not Found")
    }

    /// Creates a 422 for a well-formed request that cannot be carried out.
    pub(super) fn unprocessable(message: &str) -> Self {
        Self::error(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// Creates a 422 in the form of a failed validation, with the reason in `errors`.
    pub(super) fn invalid(message: &str) -> Self {
        let document = json!({
            "message": "Validation Failed",
            "errors": [{"code": "custom", "message": message}],
            "documentation_url": "https://docs.github.com/rest",
            "status": "422",
        });
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, &document)
    }

    #[must_use]
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response
            .body(Full::from(self.body))
            .expect("a valid response")
    }
}
