//! Reading a registry the way a client would: is what a tag names all there?

use std::collections::BTreeMap;

use embedded_registry::digest_of;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use testkit::fetch;

pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// All tags of some repositories with their digests. Panics where anything
/// under a tag is missing, or a manifest is not what its digest says.
pub(super) async fn whole_tags<S: AsRef<str>>(
    host: &str,
    repositories: &[S],
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for repository in repositories.iter().map(AsRef::as_ref) {
        for tag in tags(host, repository).await {
            let name = format!("{repository}:{tag}");
            let digest = whole(host, repository, &tag).await;
            found.insert(name, digest);
        }
    }
    found
}

/// The tags of a repository; none where there is no such repository.
pub(super) async fn tags(host: &str, repository: &str) -> Vec<String> {
    let path = format!("{repository}/tags/list");
    let (status, body) = ask(Method::GET, host, &path).await;
    if status == StatusCode::NOT_FOUND {
        return Vec::new();
    }
    assert_eq!(status, 200, "{path}");
    let list: Value = serde_json::from_slice(&body).unwrap();
    let tags = list["tags"].as_array().into_iter().flatten();
    tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

/// The digest of what a tag names, once everything under it was found.
async fn whole(host: &str, repository: &str, tag: &str) -> String {
    let mut root = None;
    let mut open = vec![tag.to_owned()];
    while let Some(reference) = open.pop() {
        let path = format!("{repository}/manifests/{reference}");
        let (status, body) = ask(Method::GET, host, &path).await;
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
        open.extend(digests("manifests"));
        let config = manifest["config"]["digest"].as_str().map(str::to_owned);
        for blob in digests("layers").into_iter().chain(config) {
            let path = format!("{repository}/blobs/{blob}");
            let (status, _) = ask(Method::HEAD, host, &path).await;
            assert_eq!(status, 200, "{host}/{repository}:{tag} lacks {blob}");
        }
    }
    root.unwrap()
}

async fn ask(method: Method, host: &str, path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{host}/v2/{path}"))
        .header("accept", ACCEPT);
    let answer = fetch(request.body("").unwrap()).await;
    (answer.status(), answer.body().to_vec())
}
