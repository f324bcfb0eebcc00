//! The API of GitLab.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::api_response::{ApiCall, json_response};
use super::state::{PASSWORD, State};

/// The ID of the first group.
const FIRST_ID: usize = 10;

pub(super) fn respond(state: &mut State, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path().strip_prefix("/api/v4/")?;
    if call.header("private-token") != PASSWORD {
        return Some(json_response(401, &json!({"message": "401 Unauthorized"})));
    }
    let decoded = path.replace("%2F", "/");
    let (kind, id) = decoded.split_once('/').unwrap_or((&decoded, ""));
    Some(match (call.parts.method.as_str(), kind) {
        ("GET", "namespaces") => match state.groups.iter().position(|group| group == id) {
            Some(index) => json_response(
                200,
                &json!({
                    "id": index + FIRST_ID, "name": id, "path": id, "kind": "group",
                    "full_path": id, "parent_id": null,
                }),
            ),
            None => json_response(404, &json!({"message": "404 Namespace Not Found"})),
        },
        ("GET", "projects") if state.existing.contains(id) => {
            json_response(200, &json!({"id": 1, "path_with_namespace": id}))
        }
        ("GET", "projects") => json_response(404, &json!({"message": "404 Project Not Found"})),
        ("POST", "projects") if id.is_empty() => create(state, call),
        _ => return None,
    })
}

fn create(state: &mut State, call: &ApiCall<'_>) -> Response<Bytes> {
    if state.is_forbidden {
        let document = json!({
            "error": "insufficient_scope",
            "error_description":
                "The request requires higher privileges than provided by the access token.",
            "scope": "api",
        });
        return json_response(403, &document);
    }
    let index = call.document["namespace_id"].as_u64().unwrap_or_default() as usize;
    let group = index
        .checked_sub(FIRST_ID)
        .and_then(|index| state.groups.get(index));
    let Some(group) = group else {
        let document = json!({"message": {"namespace": ["is not valid"]}});
        return json_response(400, &document);
    };
    let path = format!("{group}/{}", call.text("path"));
    if !state.create(&path) {
        let document = json!({"message": {
            "project_namespace.name": ["has already been taken"],
            "name": ["has already been taken"], "path": ["has already been taken"],
        }});
        return json_response(400, &document);
    }
    let document = json!({
        "id": 42, "name": call.text("name"), "path": call.text("path"),
        "path_with_namespace": path, "visibility": call.text("visibility"),
    });
    json_response(201, &document)
}
