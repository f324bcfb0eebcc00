//! Deletions: what the registries of vendors refuse, and what their APIs do instead.

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use serde_json::{Value, json};

use super::api_response::{ApiCall, errors, json_response};
use super::docker_hub::TOKEN;
use super::ecr;
use super::images::Images;
use super::signature::is_signed;
use super::state::{ACCESS_KEY, PASSWORD, State, Vendor};
use super::tokens::is_logged_in;

/// Returns the refusal of a DELETE at the registry.
pub(super) fn refusal(
    state: &State,
    images: &Images<'_>,
    parts: &Parts,
    repository: &str,
) -> Option<Response<Bytes>> {
    let (_, reference) = parts.uri.path().rsplit_once("/manifests/")?;
    if parts.method != "DELETE" {
        return None;
    }
    let is_tag = !reference.contains(':');
    let unsupported = || errors(405, "UNSUPPORTED", "The operation is unsupported.");
    match state.vendor {
        Vendor::Ecr => Some(errors(404, "NOT_FOUND", "404 page not found")),
        Vendor::GitHub => Some(unsupported()),
        Vendor::DockerHub | Vendor::Harbor | Vendor::Azure if is_tag => Some(unsupported()),
        Vendor::DockerHub => {
            let is_used = !images.tags_of(repository, reference).is_empty()
                || images.is_listed(repository, reference);
            is_used.then(|| errors(403, "DENIED", "the manifest is tagged or referenced"))
        }
        Vendor::Quay | Vendor::GitLab if is_tag && state.keeps_tags => Some(unsupported()),
        _ => None,
    }
}

/// Responds to a deletion at the API, `None` for any other request.
pub(super) fn respond(
    state: &mut State,
    images: &Images<'_>,
    call: &ApiCall<'_>,
) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path();
    let is_delete = call.parts.method == "DELETE";
    match state.vendor {
        Vendor::Ecr if call.header("x-amz-target").ends_with(".BatchDeleteImage") => {
            Some(ecr_delete(state, images, call))
        }
        Vendor::DockerHub if is_delete => {
            let path = path.strip_prefix("/v2/repositories/")?.strip_suffix('/')?;
            let (repository, tag) = path.split_once("/tags/")?;
            let is_authorized = call.header("authorization") == format!("Bearer {TOKEN}");
            let done = || images.remove_tag(repository, tag);
            Some(plain(state, is_authorized, 204, done))
        }
        Vendor::Harbor if is_delete => harbor_delete(state, images, call),
        Vendor::Azure if is_delete => {
            let (repository, tag) = path.strip_prefix("/acr/v1/")?.split_once("/_tags/")?;
            let done = || images.remove_tag(repository, tag);
            Some(plain(state, is_logged_in(call.parts), 202, done))
        }
        Vendor::Quay if is_delete => {
            let path = path.strip_prefix("/api/v1/repository/")?;
            let (repository, tag) = path.split_once("/tag/")?;
            let is_authorized = call.header("authorization") == format!("Bearer {PASSWORD}");
            let done = || images.remove_tag(repository, tag);
            Some(plain(state, is_authorized, 204, done))
        }
        Vendor::GitHub => github(state, images, call),
        Vendor::GitLab => gitlab(state, images, call),
        _ => None,
    }
}

/// Responds with a status without a body if the caller may delete.
fn plain(
    state: &State,
    is_authorized: bool,
    status: u16,
    delete: impl FnOnce() -> bool,
) -> Response<Bytes> {
    if !is_authorized {
        return json_response(401, &json!({"message": "unauthorized"}));
    }
    if state.is_forbidden {
        return json_response(403, &json!({"message": "insufficient scope"}));
    }
    match delete() {
        true => json_response(status, &Value::Null).map(|_| Bytes::new()),
        false => json_response(404, &json!({"message": "not found"})),
    }
}

fn harbor_delete(
    state: &State,
    images: &Images<'_>,
    call: &ApiCall<'_>,
) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path().strip_prefix("/api/v2.0/projects/")?;
    let (project, rest) = path.split_once("/repositories/")?;
    let (name, rest) = rest.split_once("/artifacts/")?;
    let (digest, tag) = rest.split_once("/tags/")?;
    if !is_logged_in(call.parts) {
        return Some(errors(401, "UNAUTHORIZED", "unauthorized"));
    }
    if state.is_forbidden {
        return Some(errors(403, "FORBIDDEN", "forbidden"));
    }
    let repository = format!("{project}/{}", name.replace("%252F", "/"));
    let found = images.digest(&repository, tag);
    if found.is_none_or(|found| found.as_ref() != digest) {
        return Some(errors(
            404,
            "NOT_FOUND",
            "the tag is not attached to the artifact",
        ));
    }
    images.remove_tag(&repository, tag);
    Some(json_response(200, &Value::Null).map(|_| Bytes::new()))
}

fn ecr_delete(state: &State, images: &Images<'_>, call: &ApiCall<'_>) -> Response<Bytes> {
    if !is_signed(call, ACCESS_KEY, PASSWORD) {
        return ecr::error(
            "InvalidSignatureException",
            "The request signature does not match.",
        );
    }
    if state.is_forbidden {
        return ecr::error(
            "AccessDeniedException",
            "not authorized to perform: ecr:BatchDeleteImage",
        );
    }
    let repository = call.text("repositoryName");
    let ids = call.document["imageIds"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match ecr_failure(images, repository, &id) {
            None => deleted.push(id),
            Some((code, reason)) => failures.push(json!({
                "imageId": id, "failureCode": code, "failureReason": reason,
            })),
        }
    }
    json_response(200, &json!({"imageIds": deleted, "failures": failures}))
}

/// Deletes an image. Returns the failure if it cannot.
fn ecr_failure(
    images: &Images<'_>,
    repository: &str,
    id: &Value,
) -> Option<(&'static str, &'static str)> {
    const LISTED: (&str, &str) = (
        "ImageReferencedByManifestList",
        "Requested image referenced by manifest list",
    );
    let digest = id["imageDigest"].as_str().unwrap_or_default();
    let Some(tag) = id["imageTag"].as_str() else {
        if images.is_listed(repository, digest) {
            return Some(LISTED);
        }
        let deleted = images.remove(repository, digest);
        return (!deleted).then_some(("ImageNotFound", "Requested image not found"));
    };
    let Some(found) = images.digest(repository, tag) else {
        return Some(("ImageNotFound", "Requested image not found"));
    };
    if found.as_ref() != digest {
        let reason = "Tag does not match digest";
        return Some(("ImageTagDoesNotMatchDigest", reason));
    }
    let is_last = images.tags_of(repository, digest).len() == 1;
    if is_last && images.is_listed(repository, digest) {
        return Some(LISTED);
    }
    images.remove_tag(repository, tag);
    if is_last {
        images.remove(repository, digest);
    }
    None
}

/// The versions of a package, whose IDs are the first digits of their digests.
fn github(state: &State, images: &Images<'_>, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    // The package belongs to a user, so there is no such organization.
    let path = call.parts.uri.path().strip_prefix("/users/");
    let Some(path) = path else {
        return Some(json_response(
            404,
            &json!({"message": "Package not found."}),
        ));
    };
    if call.header("authorization") != format!("Bearer {PASSWORD}") {
        return Some(json_response(401, &json!({"message": "Bad credentials"})));
    }
    let (owner, rest) = path.split_once("/packages/container/")?;
    let (package, rest) = rest.split_once("/versions")?;
    let repository = format!("{owner}/{}", package.replace("%2F", "/"));
    let id = |digest: &str| u32::from_str_radix(&digest[7..15], 16).unwrap_or_default();
    let digests = images.digests(&repository);
    match (call.parts.method.as_str(), rest.strip_prefix('/')) {
        ("GET", None) => {
            let page = call
                .parts
                .uri
                .query()
                .unwrap_or_default()
                .rsplit_once("page=")?
                .1;
            let page: usize = page.parse().ok()?;
            let versions = digests.iter().skip((page - 1) * 100).take(100);
            let versions: Vec<Value> = versions
                .map(|digest| {
                    let mut tags = images.tags_of(&repository, digest);
                    if state.is_race && !tags.is_empty() {
                        tags.push("raced".to_owned());
                    }
                    json!({
                        "id": id(digest), "name": digest,
                        "metadata": {"package_type": "container", "container": {"tags": tags}},
                    })
                })
                .collect();
            Some(json_response(200, &Value::from(versions)))
        }
        ("DELETE", Some(_)) if state.is_forbidden => {
            let document = json!({"message": "You need at least delete:packages scope."});
            Some(json_response(403, &document))
        }
        ("DELETE", Some(number)) => {
            let found = digests
                .iter()
                .find(|digest| id(digest).to_string() == number);
            let deleted = found.is_some_and(|digest| images.remove(&repository, digest));
            Some(plain(state, true, 204, || deleted))
        }
        _ => None,
    }
}

fn gitlab(state: &State, images: &Images<'_>, call: &ApiCall<'_>) -> Option<Response<Bytes>> {
    let path = call.parts.uri.path().strip_prefix("/api/v4/projects/")?;
    let (project, rest) = path.split_once("/registry/repositories")?;
    let is_authorized = call.header("private-token") == PASSWORD;
    let project = project.replace("%2F", "/");
    if !is_authorized || !state.existing.contains(&project) {
        return Some(json_response(
            404,
            &json!({"message": "404 Project Not Found"}),
        ));
    }
    match (call.parts.method.as_str(), rest.split_once("/tags/")) {
        ("GET", None) => {
            let document = json!([{"id": 7, "name": "", "path": project}]);
            Some(json_response(200, &document))
        }
        ("DELETE", Some(("/7", tag))) => {
            let done = || images.remove_tag(&project, tag);
            Some(plain(state, is_authorized, 200, done))
        }
        _ => None,
    }
}
