//! The logged requests of a run by kind.

use std::collections::BTreeMap;

use testkit::processes::Request;

/// The requests of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RequestCounts {
    /// The number of requests of each kind, such as `source GET blob`.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Bytes of blobs sent by the source.
    pub(crate) bytes: u64,
    /// Successful GETs of blobs that were read before.
    pub(crate) repeated: u64,
}

impl RequestCounts {
    /// Counts the requests in the logs of the registries.
    pub(crate) fn new(source: &[Request], destinations: &[Request]) -> Self {
        let mut counted = Self::default();
        for (side, requests) in [("source", source), ("destination", destinations)] {
            for request in requests {
                let kind = format!("{side} {}", kind(request));
                *counted.kinds.entry(kind).or_default() += 1;
            }
        }
        let mut fetched: BTreeMap<&str, u64> = BTreeMap::new();
        for request in source {
            let is_success = request
                .status
                .is_some_and(|status| status == 200 || status == 206);
            if request.method == "GET"
                && is_success
                && let Some((_, digest)) = request.path.split_once("/blobs/")
            {
                *fetched.entry(digest).or_default() += 1;
                counted.bytes += request.bytes.unwrap_or(0);
            }
        }
        counted.repeated = fetched.values().map(|times| times - 1).sum();
        counted
    }
}

/// Returns the method and the subject of a request.
fn kind(request: &Request) -> String {
    let subject = if request.path == "/v2/" {
        "ping"
    } else if request.path.contains("/manifests/") {
        "manifest"
    } else if request.path.contains("/referrers/") {
        "referrers"
    } else if request.query.contains("mount=") {
        "mount"
    } else if request.path.contains("/blobs/uploads/") {
        "upload"
    } else if request.path.contains("/blobs/") {
        "blob"
    } else if request.path.ends_with("/tags/list") {
        "tags"
    } else {
        "other"
    };
    format!("{} {subject}", request.method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str, status: u16, bytes: u64) -> Request {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status: Some(status),
            bytes: Some(bytes),
        }
    }

    #[test]
    fn counts_include_kinds_bytes_and_repeated_blobs() {
        let source = [
            request("HEAD /v2/a/manifests/v1", 200, 0),
            request("GET /v2/a/blobs/sha256:1", 200, 10),
            request("GET /v2/b/blobs/sha256:1", 206, 4),
            request("GET /v2/b/blobs/sha256:2", 503, 7),
        ];
        let destination = [
            request("POST /v2/a/blobs/uploads/", 202, 0),
            request("POST /v2/b/blobs/uploads/?mount=sha256:1&from=a", 201, 0),
            request("PUT /v2/a/blobs/uploads/id?digest=sha256:1", 201, 0),
        ];
        let counted = RequestCounts::new(&source, &destination);
        let kinds: Vec<_> = counted
            .kinds
            .iter()
            .map(|(kind, times)| format!("{kind} {times}"))
            .collect();
        let expected = [
            "destination POST mount 1",
            "destination POST upload 1",
            "destination PUT upload 1",
            "source GET blob 3",
            "source HEAD manifest 1",
        ];
        assert_eq!(kinds, expected);
        assert_eq!((counted.bytes, counted.repeated), (14, 1));
    }
}
