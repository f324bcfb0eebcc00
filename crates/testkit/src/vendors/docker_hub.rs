//! The API of Docker Hub: tokens and descriptions.

use bytes::Bytes;
use http::Response;
use serde_json::json;

use super::api_response::{ApiCall, json_response};
use super::state::{PASSWORD, State, USER};

/// The token of the API.
pub(super) const TOKEN: &str = crate::canary!("hub-jwt-");

pub(super) fn respond(state: &mut State, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path();
    if (call.parts.method.as_str(), path) == ("POST", "/v2/auth/token") {
        return Some(login(call));
    }
    let repository = path
        .strip_prefix("/v2/repositories/")
        .and_then(|name| name.strip_suffix('/'))
        .map(str::to_owned);
    let named = path
        .strip_prefix("/v2/namespaces/")
        .map(|path| path.replacen("/repositories", "", 1));
    let repository = repository.or(named)?;
    if call.header("authorization") != format!("Bearer {TOKEN}") {
        let document = json!({"message": "unauthorized", "errinfo": {}});
        return Some(json_response(401, &document));
    }
    if !state.descriptions.contains_key(&repository) {
        let document = json!({"message": "object not found", "errinfo": {}});
        return Some(json_response(404, &document));
    }
    match call.parts.method.as_str() {
        "GET" => {}
        "PATCH" if state.is_forbidden => {
            let document = json!({"message": "insufficient scope", "errinfo": {}});
            return Some(json_response(403, &document));
        }
        "PATCH" if call.text("description").chars().count() > 100 => {
            let document =
                json!({"description": ["Ensure this field has no more than 100 characters."]});
            return Some(json_response(400, &document));
        }
        "PATCH" => {
            let text = call.text("description").to_owned();
            state.descriptions.insert(repository.clone(), text);
        }
        _ => return None,
    }
    let (namespace, name) = repository.split_once('/').unwrap_or_default();
    let document = json!({
        "user": namespace, "name": name, "namespace": namespace,
        "description": state.descriptions[&repository],
    });
    Some(json_response(200, &document))
}

fn login(call: &ApiCall<'_>) -> Response<Bytes> {
    if (call.text("identifier"), call.text("secret")) == (USER, PASSWORD) {
        return json_response(200, &json!({"access_token": TOKEN}));
    }
    let document = json!({"detail": "Incorrect authentication credentials"});
    json_response(401, &document)
}
