//! The paths of a repository's API.
//!
//! Source: distribution specification, "Endpoints".

use image_name::{Digest, ManifestReference, RepositoryPath};
use percent_encoding::percent_decode_str;
use url::Url;

/// A part of a repository's API, below `/v2/NAME/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Manifest(ManifestReference),
    Blob(Digest),
    /// The start of uploads, and any session below it.
    Upload,
    Tags,
    Referrers(Digest),
}

impl Endpoint {
    /// Returns the endpoint's URL, `base` being the `/v2/` of the host. Each segment is
    /// percent-encoded.
    pub(crate) fn url(&self, mut base: Url, repository: &RepositoryPath) -> Url {
        let own: [&str; 2] = match self {
            Self::Manifest(reference) => ["manifests", reference.as_str()],
            Self::Blob(digest) => ["blobs", digest.as_str()],
            Self::Upload => ["blobs", "uploads"],
            Self::Tags => ["tags", "list"],
            Self::Referrers(digest) => ["referrers", digest.as_str()],
        };
        // An error would mean a URL without a path, which no http URL is.
        if let Ok(mut segments) = base.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(repository.components())
                .extend(own);
            if *self == Self::Upload {
                // `blobs/uploads/` ends in a slash.
                segments.push("");
            }
        }
        base
    }

    /// Returns the endpoint of the repository that a URL leads to, or `None` if it leads anywhere
    /// else.
    pub(crate) fn from_url(url: &Url, repository: &RepositoryPath) -> Option<Self> {
        let rest = url.path().strip_prefix("/v2/")?;
        let rest = rest.strip_prefix(repository.as_str())?.strip_prefix('/')?;
        let segments: Vec<&str> = rest.split('/').collect();
        match segments[..] {
            ["manifests", reference] => reference.parse().ok().map(Self::Manifest),
            ["tags", "list"] => Some(Self::Tags),
            ["referrers", digest] => digest.parse().ok().map(Self::Referrers),
            // GitHub's registry writes `upload` in the Location of a session.
            ["blobs", "uploads" | "upload", ref session @ ..] => {
                are_plain(session).then_some(Self::Upload)
            }
            ["blobs", digest] => digest.parse().ok().map(Self::Blob),
            _ => None,
        }
    }
}

/// Returns whether a URL leads to a registry's API, or can if a server decodes its path once more.
/// Signed URLs of storage have encoded slashes in their paths.
pub(crate) fn is_registry_api(url: &Url) -> bool {
    let path = percent_decode_str(url.path()).decode_utf8_lossy();
    let mut segments = path.split(['/', '\\']).filter(|name| !name.is_empty());
    let first = segments.clone().find(|name| *name != ".");
    first.is_some_and(|name| name.eq_ignore_ascii_case("v2"))
        || segments.any(|name| name.split(';').next() == Some(".."))
}

/// Returns whether each segment of a URL's path stands for itself.
pub(crate) fn is_plain_path(url: &Url) -> bool {
    let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    are_plain(&segments)
}

/// Returns whether each segment stands for itself. Only the last may be empty.
fn are_plain(segments: &[&str]) -> bool {
    let (last, others) = match segments {
        [] => return true,
        [others @ .., last] => (last, others),
    };
    (last.is_empty() || is_plain(last)) && others.iter().all(|segment| is_plain(segment))
}

/// Returns whether a segment is neither empty nor a step up, also for a server that decodes `%2e` and
/// `%2f`, or cuts parameters (`..;x`) as servlet containers do. The URL parser has already
/// resolved `..` and `%2e%2e` and turned `\` into `/`.
fn is_plain(segment: &str) -> bool {
    let encoded = segment.to_ascii_lowercase();
    let decodes_to_path = ["%2e", "%2f", "%5c", "%25", "%3b", "%00"]
        .iter()
        .any(|code| encoded.contains(code));
    let name = segment.split(';').next().unwrap_or_default();
    !decodes_to_path && !matches!(name, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn team_app() -> RepositoryPath {
        "team/app".parse().unwrap()
    }

    #[test]
    fn endpoint_is_parsed_from_its_own_url() {
        let digest: Digest = format!("sha256:{HEX}").parse().unwrap();
        let cases = [
            (
                Endpoint::Manifest("v1".parse().unwrap()),
                "manifests/v1".to_owned(),
            ),
            (
                Endpoint::Manifest((&digest).into()),
                format!("manifests/{digest}"),
            ),
            (Endpoint::Blob(digest.clone()), format!("blobs/{digest}")),
            (Endpoint::Upload, "blobs/uploads/".to_owned()),
            (Endpoint::Tags, "tags/list".to_owned()),
            (
                Endpoint::Referrers(digest.clone()),
                format!("referrers/{digest}"),
            ),
        ];
        for (endpoint, path) in cases {
            let url = endpoint.url("https://r.io/v2/".parse().unwrap(), &team_app());
            assert_eq!(url.as_str(), format!("https://r.io/v2/team/app/{path}"));
            assert_eq!(Endpoint::from_url(&url, &team_app()), Some(endpoint));
        }
    }

    #[test]
    fn only_sessions_below_the_uploads_of_the_repository_are_its_uploads() {
        let cases = [
            ("/v2/team/app/blobs/uploads/0a-1?_state=x/../y", true),
            ("/v2/team/app/blobs/upload/1", true),
            ("/v2/team/app/blobs/uploads/1/part/2", true),
            ("/v2/team/app/blobs/uploads/a%3D%3D", true),
            ("/v2/team/app/blobs/uploads?id=1", true),
            ("/v2/other/blobs/uploads/1", false),
            ("/v2/team/app2/blobs/uploads/1", false),
            ("/v2/team/blobs/uploads/1", false),
            ("/api/v2.0/users", false),
            ("/up?x", false),
            ("/v2/team/app/blobs/uploads/../../manifests/v1", false),
            (
                "/v2/team/app/blobs/uploads/%2e%2e/%2e%2e/manifests/v1",
                false,
            ),
            ("/v2/team/app/blobs/uploads/..%2f..%2fmanifests/v1", false),
            ("/v2/team/app/blobs/uploads/..%5cx", false),
            ("/v2/team/app/blobs/uploads/%252e%252e/x", false),
            ("/v2/team/app/blobs/uploads/..;/..;/manifests/v1", false),
            ("/v2/team/app/blobs/uploads/..%3b/x", false),
            ("/v2/team/app/blobs/uploads//x", false),
            ("\\v2\\team\\app\\blobs\\uploads\\1", true),
            ("/v2/team/app/../../victim/app/blobs/uploads/1", false),
            ("/v2/team%2fapp/blobs/uploads/1", false),
            ("/prefix/v2/team/app/blobs/uploads/1", false),
        ];
        let base: Url = "https://r.io/v2/team/app/blobs/uploads/".parse().unwrap();
        for (location, expected) in cases {
            let url = base.join(location).unwrap();
            let found = Endpoint::from_url(&url, &team_app()) == Some(Endpoint::Upload);
            assert_eq!(found, expected, "{location}");
        }
    }

    #[test]
    fn blobs_and_manifests_are_not_sessions() {
        for path in [
            format!("blobs/sha256:{HEX}"),
            "manifests/uploads".to_owned(),
        ] {
            let url = format!("https://r.io/v2/team/app/{path}").parse().unwrap();
            let found = Endpoint::from_url(&url, &team_app());
            assert!(
                found.is_some_and(|found| found != Endpoint::Upload),
                "{path}"
            );
        }
    }
}
