//! A check that the visible tags of a destination are complete.

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::digest_of;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use testkit::fetch;

const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json";

/// The tags of a repository with their digests.
pub type Tags = BTreeMap<String, String>;

/// Reads everything under every tag of a repository.
///
/// # Errors
///
/// A message, if content of a tag is missing or has another digest.
pub async fn complete_tags(host: &str, repository: &str) -> Result<Tags, String> {
    let (status, body) = ask(Method::GET, host, &format!("{repository}/tags/list")).await;
    if status == StatusCode::NOT_FOUND {
        return Ok(Tags::new());
    }
    let list: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let mut found = Tags::new();
    let mut seen = BTreeSet::new();
    for tag in list["tags"].as_array().into_iter().flatten() {
        let tag = tag.as_str().unwrap_or_default();
        let digest = complete(host, repository, tag, &mut seen).await?;
        found.insert(tag.to_owned(), digest);
    }
    Ok(found)
}

async fn complete(
    host: &str,
    repository: &str,
    tag: &str,
    seen: &mut BTreeSet<String>,
) -> Result<String, String> {
    let mut root = None;
    let mut open = vec![tag.to_owned()];
    while let Some(reference) = open.pop() {
        let (status, body) = ask(
            Method::GET,
            host,
            &format!("{repository}/manifests/{reference}"),
        )
        .await;
        if status != 200 {
            return Err(format!("{repository}:{tag} lacks {reference}: {status}"));
        }
        let digest = digest_of(&body).to_string();
        if reference != tag && reference != digest {
            return Err(format!("{repository}@{reference} is {digest}"));
        }
        root.get_or_insert(digest);
        let manifest: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        open.extend(digests(&manifest["manifests"]));
        let config = manifest["config"]["digest"].as_str().map(str::to_owned);
        for blob in digests(&manifest["layers"]).into_iter().chain(config) {
            if !seen.insert(blob.clone()) {
                continue;
            }
            // Blobs are checked against their digests by the registry itself, when they are stored.
            let path = format!("{repository}/blobs/{blob}");
            let (status, _) = ask(Method::HEAD, host, &path).await;
            if status != 200 {
                return Err(format!("{repository}:{tag} lacks {blob}: {status}"));
            }
        }
    }
    Ok(root.unwrap_or_default())
}

fn digests(descriptors: &Value) -> Vec<String> {
    let all = descriptors.as_array().into_iter().flatten();
    all.filter_map(|each| each["digest"].as_str().map(str::to_owned))
        .collect()
}

async fn ask(method: Method, host: &str, path: &str) -> (StatusCode, bytes::Bytes) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{host}/v2/{path}"))
        .header("accept", ACCEPT);
    let response = fetch(request.body("").unwrap()).await;
    (response.status(), response.into_body())
}
