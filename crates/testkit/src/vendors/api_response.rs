//! Requests to an API and its responses.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// A request to an API, with its body.
pub(super) struct ApiCall<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) document: Value,
}

impl ApiCall<'_> {
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.parts.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.document[key].as_str().unwrap_or_default()
    }
}

/// A response of an API.
pub(super) fn json_response(status: u16, document: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).expect("a valid status code");
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

/// An error of a registry, and of Harbor's API.
pub(super) fn errors(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let document = json!({"errors": [{"code": code, "message": message}]});
    json_response(status, &document)
}
