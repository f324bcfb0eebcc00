//! The kinds of registry requests.

use http::request::Parts;

/// The requests that a client makes of a registry and of its token server (distribution
/// specification, "API"; distribution, "Token Authentication Specification").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    /// Request a token.
    Token,
    /// Check that a manifest exists.
    ManifestHead,
    /// Read a manifest.
    ManifestGet,
    /// Write a manifest.
    ManifestPut,
    /// Check that a blob exists.
    BlobHead,
    /// Read a blob or a range of it.
    BlobGet,
    /// Mount a blob from another repository.
    Mount,
    /// Start an upload.
    UploadPost,
    /// Send a chunk of an upload.
    UploadPatch,
    /// Query the offset of an upload.
    UploadStatus,
    /// Complete an upload.
    UploadPut,
    /// Cancel an upload.
    UploadDelete,
    /// List the tags of a repository.
    Tags,
    /// List the referrers of a manifest.
    Referrers,
}

impl RequestKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Token,
        Self::ManifestHead,
        Self::ManifestGet,
        Self::ManifestPut,
        Self::BlobHead,
        Self::BlobGet,
        Self::Mount,
        Self::UploadPost,
        Self::UploadPatch,
        Self::UploadStatus,
        Self::UploadPut,
        Self::UploadDelete,
        Self::Tags,
        Self::Referrers,
    ];

    /// Returns the kind of a request; `None` for any other request.
    pub fn classify(method: &str, path: &str, query: &str) -> Option<Self> {
        if !path.starts_with("/v2/") {
            let is_token = path == "/token" && matches!(method, "GET" | "POST");
            return is_token.then_some(Self::Token);
        }
        let is_upload = path.contains("/blobs/uploads/");
        Some(match method {
            "POST" if is_upload && query.contains("mount=") => Self::Mount,
            "POST" if is_upload => Self::UploadPost,
            "PATCH" if is_upload => Self::UploadPatch,
            "GET" if is_upload => Self::UploadStatus,
            "PUT" if is_upload => Self::UploadPut,
            "DELETE" if is_upload => Self::UploadDelete,
            "HEAD" if path.contains("/manifests/") => Self::ManifestHead,
            "GET" if path.contains("/manifests/") => Self::ManifestGet,
            "PUT" if path.contains("/manifests/") => Self::ManifestPut,
            "HEAD" if path.contains("/blobs/") && !is_upload => Self::BlobHead,
            "GET" if path.contains("/blobs/") => Self::BlobGet,
            "GET" if path.ends_with("/tags/list") => Self::Tags,
            "GET" if path.contains("/referrers/") => Self::Referrers,
            _ => return None,
        })
    }

    /// Returns the kind of a request by its head.
    pub fn classify_parts(parts: &Parts) -> Option<Self> {
        let query = parts.uri.query().unwrap_or_default();
        Self::classify(parts.method.as_str(), parts.uri.path(), query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_kind_follows_from_method_and_target() {
        let targets = [
            ("GET", "/token", ""),
            ("HEAD", "/v2/a/manifests/1", ""),
            ("GET", "/v2/a/manifests/1", ""),
            ("PUT", "/v2/a/manifests/1", ""),
            ("HEAD", "/v2/a/blobs/sha256:0", ""),
            ("GET", "/v2/a/blobs/sha256:0", ""),
            ("POST", "/v2/a/blobs/uploads/", "mount=x&from=b"),
            ("POST", "/v2/a/blobs/uploads/", ""),
            ("PATCH", "/v2/a/blobs/uploads/1", "_state=2"),
            ("GET", "/v2/a/blobs/uploads/1", "_state=2"),
            ("PUT", "/v2/a/blobs/uploads/1", "digest=3"),
            ("DELETE", "/v2/a/blobs/uploads/1", ""),
            ("GET", "/v2/a/tags/list", "n=1000"),
            ("GET", "/v2/a/referrers/sha256:0", ""),
        ];
        let kinds = targets.map(|(method, path, query)| RequestKind::classify(method, path, query));
        assert_eq!(kinds, RequestKind::ALL.map(Some));
        for (method, path) in [
            ("GET", "/v2/"),
            ("HEAD", "/v2/a/blobs/uploads/1"),
            ("DELETE", "/v2/a/manifests/1"),
            ("GET", "/a/manifests/1"),
        ] {
            assert_eq!(
                RequestKind::classify(method, path, ""),
                None,
                "{method} {path}"
            );
        }
    }
}
