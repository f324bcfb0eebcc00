//! The API of Harbor.

use bytes::Bytes;
use http::{HeaderValue, Response};
use serde_json::json;

use super::api_response::{ApiCall, errors, json_response};
use super::state::State;
use super::tokens::is_logged_in;

pub(super) fn respond(state: &mut State, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    match (call.parts.method.as_str(), call.parts.uri.path()) {
        ("POST", "/api/v2.0/projects") => Some(create(state, call)),
        _ => None,
    }
}

fn create(state: &mut State, call: &ApiCall<'_>) -> Response<Bytes> {
    if !is_logged_in(call.parts) {
        return errors(401, "UNAUTHORIZED", "unauthorized");
    }
    if state.is_forbidden {
        return errors(403, "FORBIDDEN", "Only system admin can create project");
    }
    let name = call.text("project_name");
    if name.is_empty() || name.contains('/') {
        let message = "project name is not in lower case or contains illegal characters!";
        return errors(400, "BAD_REQUEST", message);
    }
    if !matches!(
        call.document["metadata"]["public"].as_str(),
        Some("true" | "false") | None
    ) {
        let message = "metadata.public should only be 'true' or 'false'";
        return errors(400, "BAD_REQUEST", message);
    }
    if !state.create(name) {
        let message = format!("The project named {name} already exists");
        return errors(409, "CONFLICT", &message);
    }
    let mut response = json_response(201, &json!(null)).map(|_| Bytes::new());
    let location = HeaderValue::from_static("/api/v2.0/projects/7");
    response.headers_mut().insert("location", location);
    response
}
