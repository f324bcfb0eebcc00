//! The requests that a copy sends to its destination.

use http::{Method, Uri};
use image_name::{Digest, ManifestReference, RepositoryPath};

/// A request, reduced to what it asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CopyRequest {
    pub(super) repository: RepositoryPath,
    pub(super) target: Target,
}

/// The content that a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Manifest(ManifestReference),
    Blob(Digest),
    Mount(Digest),
    Referrers(Digest),
}

impl CopyRequest {
    /// Parses a request of the distribution specification. `None` for requests that a copy does not need.
    pub(super) fn parse(method: &Method, uri: &Uri) -> Option<Self> {
        let path = uri.path().strip_prefix("/v2/")?;
        if let Some(repository) = path.strip_suffix("/blobs/uploads/") {
            let target = Target::Mount(mounted(uri.query()?)?);
            return (method == Method::POST).then_some(Self {
                repository: repository.parse().ok()?,
                target,
            });
        }
        let (above, reference) = path.rsplit_once('/')?;
        let (repository, kind) = above.rsplit_once('/')?;
        let target = match kind {
            "manifests" => Target::Manifest(reference.parse().ok()?),
            "blobs" => Target::Blob(reference.parse().ok()?),
            "referrers" => Target::Referrers(reference.parse().ok()?),
            _ => return None,
        };
        Some(Self {
            repository: repository.parse().ok()?,
            target,
        })
    }
}

/// Returns the digest of `mount=DIGEST`.
fn mounted(query: &str) -> Option<Digest> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, digest) = pairs.find(|(key, _)| *key == "mount")?;
    digest.replace("%3A", ":").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_copy_are_parsed() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let parse = |method: Method, path: &str| {
            let uri = format!("http://export.invalid/v2/{path}").parse().unwrap();
            CopyRequest::parse(&method, &uri).map(|request| request.target)
        };
        let table = [
            (
                Method::PUT,
                "r.io/a/manifests/v1".to_owned(),
                Some(Target::Manifest("v1".parse().unwrap())),
            ),
            (
                Method::HEAD,
                format!("r.io/a/blobs/{digest}"),
                Some(Target::Blob(digest.clone())),
            ),
            (
                Method::POST,
                format!(
                    "r.io/a/blobs/uploads/?mount={}&from=x%2Fy",
                    digest.as_str().replace(':', "%3A")
                ),
                Some(Target::Mount(digest.clone())),
            ),
            (
                Method::GET,
                format!("r.io/a/referrers/{digest}"),
                Some(Target::Referrers(digest)),
            ),
            (Method::POST, "r.io/a/blobs/uploads/".to_owned(), None),
            (Method::GET, "r.io/a/tags/list".to_owned(), None),
            (Method::GET, String::new(), None),
        ];
        for (method, path, want) in table {
            assert_eq!(parse(method, &path), want, "{path}");
        }
    }
}
