//! Checks that a registry has everything under a tag, read as any client would.

use std::collections::BTreeMap;

use embedded_registry::digest_of;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use testkit::fetch;

/// The `Accept` header for manifests.
pub(crate) const MANIFEST_TYPES: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Returns the digest of every `REPOSITORY:TAG`. Panics if anything under a tag is missing or a
/// manifest does not match its digest.
pub(crate) async fn complete_tags<S: AsRef<str>>(
    host: &str,
    repositories: &[S],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for repository in repositories.iter().map(AsRef::as_ref) {
        for tag in tags_of(host, repository).await {
            let name = format!("{repository}:{tag}");
            let digest = complete_digest(host, repository, &tag).await;
            found.insert(name, digest);
        }
    }
    found
}

/// Returns the tags of a repository, none if it does not exist.
pub(crate) async fn tags_of(host: &str, repository: &str) -> Vec<String> {
    let path = format!("{repository}/tags/list");
    let (status, body) = request(Method::GET, host, &path).await;
    if status == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    assert_eq!(status, 200, "{path}");
    let list: Value = serde_json::from_slice(&body).unwrap();
    let tags = list["tags"].as_array().into_iter().flatten();
    tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

/// Returns the digest behind a tag after finding everything under it.
async fn complete_digest(host: &str, repository: &str, tag: &str) -> String {
    let mut root = None;
    let mut pending = vec![tag.to_owned()];
    while let Some(reference) = pending.pop() {
        let path = format!("{repository}/manifests/{reference}");
        let (status, body) = request(Method::GET, host, &path).await;
        assert_eq!(status, 200, "{host}/{repository}:{tag} lacks {reference}");
        let digest = digest_of(&body).to_string();
        assert!(reference == tag || reference == digest, "{path}: {digest}");
        root.get_or_insert(digest);
        let manifest: Value = serde_json::from_slice(&body).unwrap();
        let digests = |key: &str| -> Vec<String> {
            let all = manifest[key].as_array().into_iter().flatten();
            all.map(|each| each["digest"].as_str().unwrap().to_owned())
                .collect()
        };
        pending.extend(digests("manifests"));
        let config = manifest["config"]["digest"].as_str().map(str::to_owned);
        for blob in digests("layers").into_iter().chain(config) {
            let path = format!("{repository}/blobs/{blob}");
            let (status, _) = request(Method::HEAD, host, &path).await;
            assert_eq!(status, 200, "{host}/{repository}:{tag} lacks {blob}");
        }
    }
    root.unwrap()
}

async fn request(method: Method, host: &str, path: &str) -> (StatusCode, Vec<u8>) {
    let builder = Request::builder()
        .method(method)
        .uri(format!("http://{host}/v2/{path}"))
        .header("accept", MANIFEST_TYPES);
    let response = fetch(builder.body("").unwrap()).await;
    (response.status(), response.body().to_vec())
}
