//! What a request asks for.

use http::request::Parts;

/// The requests that a client makes of a registry and of its token server (distribution
/// specification, "API"; distribution, "Token Authentication Specification").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestKind {
    /// A token.
    Token,
    /// Whether there is a manifest, and its digest.
    ManifestHead,
    /// A manifest.
    ManifestGet,
    /// A manifest is written.
    ManifestPut,
    /// Whether there is a blob.
    BlobHead,
    /// A blob or a range of it.
    BlobGet,
    /// A blob is to be mounted from another repository.
    Mount,
    /// An upload begins.
    UploadPost,
    /// A chunk of an upload.
    UploadPatch,
    /// How far an upload has come.
    UploadStatus,
    /// An upload ends.
    UploadPut,
    /// An upload is given up.
    UploadDelete,
    /// The tags of a repository.
    Tags,
    /// The referrers of a manifest.
    Referrers,
}

impl RequestKind {
    /// All of them.
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

    /// What a request is; `None` for one that is none of these.
    pub fn of(method: &str, path: &str, query: &str) -> Option<Self> {
        if !path.starts_with("/v2/") {
            let asks = path == "/token" && matches!(method, "GET" | "POST");
            return asks.then_some(Self::Token);
        }
        let upload = path.contains("/blobs/uploads/");
        Some(match method {
            "POST" if upload && query.contains("mount=") => Self::Mount,
            "POST" if upload => Self::UploadPost,
            "PATCH" if upload => Self::UploadPatch,
            "GET" if upload => Self::UploadStatus,
            "PUT" if upload => Self::UploadPut,
            "DELETE" if upload => Self::UploadDelete,
            "HEAD" if path.contains("/manifests/") => Self::ManifestHead,
            "GET" if path.contains("/manifests/") => Self::ManifestGet,
            "PUT" if path.contains("/manifests/") => Self::ManifestPut,
            "HEAD" if path.contains("/blobs/") && !upload => Self::BlobHead,
            "GET" if path.contains("/blobs/") => Self::BlobGet,
            "GET" if path.ends_with("/tags/list") => Self::Tags,
            "GET" if path.contains("/referrers/") => Self::Referrers,
            _ => return None,
        })
    }

    /// The same of a request that has not been recorded yet.
    pub fn of_parts(parts: &Parts) -> Option<Self> {
        let query = parts.uri.query().unwrap_or_default();
        Self::of(parts.method.as_str(), parts.uri.path(), query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_by_its_method_and_its_target() {
        let told = [
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
        let told = told.map(|(method, path, query)| RequestKind::of(method, path, query));
        assert_eq!(told, RequestKind::ALL.map(Some));
        for (method, path) in [
            ("GET", "/v2/"),
            ("HEAD", "/v2/a/blobs/uploads/1"),
            ("DELETE", "/v2/a/manifests/1"),
            ("GET", "/a/manifests/1"),
        ] {
            assert_eq!(RequestKind::of(method, path, ""), None, "{method} {path}");
        }
    }
}
