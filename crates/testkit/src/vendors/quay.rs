//! The API of quay.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::api_response::{ApiCall, json_response};
use super::state::{PASSWORD, State};

pub(super) fn respond(state: &mut State, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path().strip_prefix("/api/v1/repository")?;
    let token = call.header("authorization").strip_prefix("Bearer ");
    if token != Some(PASSWORD) {
        return Some(error(401, "invalid_token", "Invalid bearer token format"));
    }
    match (call.parts.method.as_str(), path.strip_prefix('/')) {
        ("POST", None) => Some(create(state, call)),
        ("GET", Some(name)) if state.existing.contains(name) => {
            let (namespace, name) = name.split_once('/').unwrap_or_default();
            let document = json!({
                "namespace": namespace, "name": name, "kind": "image", "is_public": false,
            });
            Some(json_response(200, &document))
        }
        ("GET", Some(_)) => Some(error(404, "not_found", "Not Found")),
        _ => None,
    }
}

fn create(state: &mut State, call: &ApiCall<'_>) -> Response<Bytes> {
    for key in ["repository", "visibility", "description"] {
        if !call.document[key].is_string() {
            return error(
                400,
                "invalid_request",
                &format!("'{key}' is a required property"),
            );
        }
    }
    if state.is_forbidden {
        return error(403, "insufficient_scope", "Unauthorized");
    }
    let (namespace, name) = (call.text("namespace"), call.text("repository"));
    if !state.create(&format!("{namespace}/{name}")) {
        return error(400, "invalid_request", "Repository already exists");
    }
    let document = json!({"namespace": namespace, "name": name, "kind": "image"});
    json_response(201, &document)
}

fn error(status: u16, kind: &str, message: &str) -> Response<Bytes> {
    let document = json!({
        "detail": message, "error_message": message, "error_type": kind, "title": kind,
        "type": format!("https://quay.io/api/v1/error/{kind}"), "status": status,
    });
    json_response(status, &document)
}
