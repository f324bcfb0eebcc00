//! What Docker Hub's and quay.io's own APIs say of a repository.

use http::StatusCode;
use serde_json::Value;

/// A registry with an API of its own, beside the distribution specification's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostedApi {
    /// `GET /v2/namespaces/NAMESPACE/repositories/NAME` at hub.docker.com.
    ///
    /// Source: Docker Hub API reference, "Get repository in a namespace".
    DockerHub,
    /// `GET /api/v1/repository/NAMESPACE/NAME` at quay.io.
    ///
    /// Source: Quay API reference, `getRepo`.
    Quay,
}

/// What an API says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// The repository exists.
    Exists,
    /// It does not exist, or strangers are not to know that it does.
    Missing,
    /// Whoever answered is no such API, or does not tell strangers.
    Nothing,
    /// There was no usable answer.
    Trouble(String),
}

impl HostedApi {
    /// That of a registry, by the host in names.
    pub(super) fn of(host: &str) -> Option<Self> {
        match host {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => Some(Self::DockerHub),
            "quay.io" => Some(Self::Quay),
            _ => None,
        }
    }

    /// The host that serves it, where names are not remapped.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::DockerHub => "hub.docker.com",
            Self::Quay => "quay.io",
        }
    }

    /// The path that is asked about `NAMESPACE/NAME`; other forms of names
    /// have none.
    pub(super) fn path(self, repository: &str) -> Option<String> {
        let (namespace, name) = repository.split_once('/')?;
        if name.contains('/') {
            return None;
        }
        Some(match self {
            Self::DockerHub => format!("/v2/namespaces/{namespace}/repositories/{name}"),
            Self::Quay => format!("/api/v1/repository/{namespace}/{name}"),
        })
    }

    /// What an answer says. A registry that stands where the API was looked
    /// for answers 404 as well, with a page or the distribution
    /// specification's `errors`, which says nothing.
    pub(super) fn read(self, status: StatusCode, body: &[u8]) -> Said {
        let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let has = |key: &str| document.get(key).is_some();
        match status {
            StatusCode::OK if has("name") && (has("namespace") || has("user")) => Said::Exists,
            StatusCode::NOT_FOUND if self.is_no_such_repository(&document) => Said::Missing,
            StatusCode::TOO_MANY_REQUESTS => Said::Trouble("429 Too Many Requests".to_owned()),
            status if status.is_server_error() => Said::Trouble(status.to_string()),
            _ => Said::Nothing,
        }
    }

    /// The Hub says `{"message": "object not found", "errinfo": {}}` or, on its
    /// older paths, `{"detail": "Object not found"}`; quay `{"status": 404,
    /// "error_type": "not_found", "detail": "Not Found", …}`.
    fn is_no_such_repository(self, document: &Value) -> bool {
        let has = |key: &str| document.get(key).is_some();
        let own = match self {
            Self::DockerHub => has("message") || has("detail"),
            Self::Quay => has("error_type") || has("error_message") || has("detail"),
        };
        own && !has("errors")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apis_own_answers_count() {
        use HostedApi::{DockerHub, Quay};
        let registry = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"x","detail":{}}]}"#;
        let table = [
            (
                DockerHub,
                200,
                r#"{"user":"a","name":"b","namespace":"a"}"#,
                Said::Exists,
            ),
            (
                DockerHub,
                404,
                r#"{"message":"object not found","errinfo":{}}"#,
                Said::Missing,
            ),
            (
                DockerHub,
                404,
                r#"{"detail":"Object not found"}"#,
                Said::Missing,
            ),
            (
                Quay,
                200,
                r#"{"namespace":"a","name":"b","is_public":true}"#,
                Said::Exists,
            ),
            (
                Quay,
                404,
                r#"{"status":404,"error_type":"not_found"}"#,
                Said::Missing,
            ),
            // Other things at that address.
            (DockerHub, 200, "<html>", Said::Nothing),
            (DockerHub, 200, r#"{"name":"a","tags":[]}"#, Said::Nothing),
            (DockerHub, 404, "404 page not found\n", Said::Nothing),
            (DockerHub, 404, registry, Said::Nothing),
            (Quay, 404, registry, Said::Nothing),
            (
                Quay,
                401,
                r#"{"error_type":"insufficient_scope"}"#,
                Said::Nothing,
            ),
            (
                DockerHub,
                503,
                "",
                Said::Trouble("503 Service Unavailable".to_owned()),
            ),
        ];
        for (api, status, body, want) in table {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(
                api.read(status, body.as_bytes()),
                want,
                "{api:?} {status} {body}"
            );
        }
    }

    #[test]
    fn names_of_two_components_have_a_path() {
        let hub = HostedApi::DockerHub;
        let path = hub.path("library/busybox");
        assert_eq!(
            path.as_deref(),
            Some("/v2/namespaces/library/repositories/busybox")
        );
        assert_eq!(hub.path("a/b/c"), None);
        assert_eq!(hub.path("a"), None);
    }
}
