//! The routing of requests: to the registry, its token server, or the API.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::json;

use super::api_response::{ApiCall, errors, json_response};
use super::images::Images;
use super::state::{Server, State, Vendor};
use super::{deletions, docker_hub, ecr, gitlab, harbor, quay, tokens};

type Body = BoxBody<Bytes, hyper::Error>;

/// The parts of a registry's path after a repository.
const ENDPOINTS: [&str; 4] = ["/manifests/", "/blobs/", "/tags/", "/referrers/"];

/// Responds to one request.
pub(super) async fn respond(
    server: Arc<Server>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path();
    // The API of Docker Hub has paths below `/v2/` too.
    let path = path.strip_prefix("/v2/");
    let path = path.filter(|path| !path.starts_with("repositories/"));
    let repository = path.and_then(|path| {
        let ends = ENDPOINTS.iter().filter_map(|endpoint| path.find(endpoint));
        ends.min().map(|end| path[..end].to_owned())
    });
    let (parts, body) = request.into_parts();
    let Some(repository) = repository else {
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        let response = at_api(&server, &parts, &body.unwrap_or_default());
        return Ok(response.map(full));
    };
    let images = Images::new(&server.images);
    let refusal = refusal(&server.state(), &images, &parts, &repository);
    Ok(match refusal {
        Some(refusal) => refusal.map(full),
        None => forward(&server, parts, body).await,
    })
}

/// Responds as the API, and as the token server.
fn at_api(server: &Server, parts: &Parts, body: &Bytes) -> Response<Bytes> {
    let state = &mut *server.state();
    if parts.uri.path() == "/v2/" {
        let challenge = tokens::refusal(state, parts, "");
        return challenge.unwrap_or_else(|| json_response(200, &json!({})));
    }
    if Some(parts.uri.path()) == tokens::token_path(state.vendor) {
        return tokens::issue(state, parts);
    }
    let call = ApiCall {
        parts,
        body,
        document: serde_json::from_slice(body).unwrap_or_default(),
    };
    let images = Images::new(&server.images);
    let deleted = deletions::respond(state, &images, &call);
    let response = deleted.or_else(|| match state.vendor {
        Vendor::Ecr => ecr::respond(state, &call),
        Vendor::Harbor => harbor::respond(state, &call),
        Vendor::GitLab => gitlab::respond(state, &call),
        Vendor::Quay => quay::respond(state, &call),
        Vendor::DockerHub => docker_hub::respond(state, &call),
        Vendor::GitHub | Vendor::Azure => None,
    });
    let response = response.unwrap_or_else(|| errors(404, "NOT_FOUND", "path not found"));
    let target = parts.uri.path();
    let status = response.status().as_u16();
    let call = format!("{} {target} {status}", parts.method);
    state.calls.push(call);
    response
}

/// Returns the refusal of a request to the registry.
fn refusal(
    state: &State,
    images: &Images<'_>,
    parts: &Parts,
    repository: &str,
) -> Option<Response<Bytes>> {
    let refusal = tokens::refusal(state, parts, repository);
    let refusal = refusal.or_else(|| deletions::refusal(state, images, parts, repository));
    if refusal.is_some() {
        return refusal;
    }
    if state.accepts(repository) {
        return None;
    }
    let message = format!("The repository with name '{repository}' does not exist in the registry");
    Some(errors(404, "NAME_UNKNOWN", &message))
}

async fn forward(server: &Server, mut parts: Parts, body: Incoming) -> Response<Body> {
    let target = parts.uri.path_and_query().map(ToString::to_string);
    let uri = Uri::builder()
        .scheme("http")
        .authority(server.registry.to_string())
        .path_and_query(target.unwrap_or_default())
        .build();
    parts.uri = uri.expect("a valid URI");
    let sent = server.client.request(Request::from_parts(parts, body));
    match sent.await {
        Ok(response) => response.map(BodyExt::boxed),
        Err(error) => {
            let mut response = Response::new(full(Bytes::from(error.to_string())));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}
