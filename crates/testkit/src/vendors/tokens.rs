//! The tokens of the registries of Harbor, GitLab and quay: they grant access to the repositories that
//! exist when they are issued.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};
use serde_json::json;

use super::api_response::{errors, json_response};
use super::state::{PASSWORD, State, USER, Vendor};

/// Returns the path of the token endpoint.
pub(super) fn token_path(vendor: Vendor) -> Option<&'static str> {
    match vendor {
        Vendor::Harbor => Some("/service/token"),
        Vendor::GitLab => Some("/jwt/auth"),
        Vendor::Quay => Some("/v2/auth"),
        Vendor::Ecr | Vendor::DockerHub | Vendor::GitHub | Vendor::Azure => None,
    }
}

/// Returns a header value as text.
fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    let value = parts.headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Returns true if a request has the user and password of the fake.
pub(super) fn is_logged_in(parts: &Parts) -> bool {
    let login = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    header(parts, "authorization") == format!("Basic {login}")
}

/// Responds to a token request.
pub(super) fn issue(state: &State, parts: &Parts) -> Response<Bytes> {
    if !is_logged_in(parts) {
        return errors(401, "UNAUTHORIZED", "authentication required");
    }
    let query = parts.uri.query().unwrap_or_default();
    let fields = form_urlencoded::parse(query.as_bytes());
    let scopes = fields.filter(|(name, _)| name == "scope");
    let granted = scopes.filter_map(|(_, scope)| {
        let repository = scope.strip_prefix("repository:")?.rsplit_once(':')?.0;
        state.accepts(repository).then(|| repository.to_owned())
    });
    let granted: Vec<_> = granted.collect();
    let token = BASE64_STANDARD.encode(format!("token {}", granted.join(" ")));
    json_response(200, &json!({"token": token, "expires_in": 300}))
}

/// Returns the refusal of a request to the registry without a token for its repository.
pub(super) fn refusal(state: &State, parts: &Parts, repository: &str) -> Option<Response<Bytes>> {
    let path = token_path(state.vendor)?;
    let token = header(parts, "authorization").strip_prefix("Bearer ");
    let token = token.and_then(|token| BASE64_STANDARD.decode(token).ok());
    let token = String::from_utf8(token.unwrap_or_default()).unwrap_or_default();
    if token.split(' ').any(|granted| granted == repository) {
        return None;
    }
    let host = header(parts, "host");
    let challenge = format!("Bearer realm=\"http://{host}{path}\",service=\"registry\"");
    let mut response = errors(401, "UNAUTHORIZED", "unauthorized to access repository");
    let challenge = HeaderValue::from_str(&challenge).expect("a valid header value");
    response.headers_mut().insert("www-authenticate", challenge);
    Some(response)
}
