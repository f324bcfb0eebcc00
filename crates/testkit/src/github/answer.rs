//! What is sent back.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

/// An answer that is yet to be sent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
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

    /// A refusal, in GitHub's form.
    pub(super) fn refused(status: StatusCode, message: &str) -> Self {
        let document = json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.as_u16().to_string(),
        });
        Self::json(status, &document)
    }

    pub(super) fn not_found() -> Self {
        Self::refused(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 422, for what is well-formed and cannot be.
    pub(super) fn unprocessable(message: &str) -> Self {
        Self::refused(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 422 in the form of a failed validation, with what is wrong below it.
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
        response.body(Full::from(self.body)).expect("an answer")
    }
}
