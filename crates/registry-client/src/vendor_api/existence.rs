//! Existence of a repository.
//!
//! The registries themselves do not reveal it to anonymous clients: they return 401 both for a missing and
//! for a private repository.

use http::StatusCode;
use serde_json::Value;

use super::endpoint::VendorApi;
use super::repository::VendorRepository;
use crate::error::Error;

/// The existence of a repository, as its vendor's API reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existence {
    /// The repository exists.
    Exists,
    /// The repository does not exist, or is hidden from anonymous clients.
    Missing,
    /// The response is not from that API, or the API refused it to anonymous clients.
    Unknown,
}

impl VendorRepository {
    /// Returns the existence of the repository. The request is sent once, because callers can query the
    /// registry instead. A pause that the host requests is respected.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire. A refusal (4xx) is [`Existence::Unknown`].
    pub async fn exists(&self) -> Result<Existence, Error> {
        match self.host_api.get_once(&self.target, &[200, 404]).await {
            Ok(response) => Ok(self.api.read_existence(response.status, &response.body)),
            Err(error) if is_refusal(&error) => Ok(Existence::Unknown),
            Err(error) => Err(error),
        }
    }
}

/// Returns true for a 4xx status other than 408 and 429.
pub(super) fn is_refusal(error: &Error) -> bool {
    error
        .status()
        .is_some_and(|status| status.is_client_error() && !matches!(status.as_u16(), 408 | 429))
}

impl VendorApi {
    /// Reads a response. A registry at the API's address returns 404 too, with a page or the distribution
    /// specification's `errors`; such a response is [`Existence::Unknown`].
    fn read_existence(self, status: StatusCode, body: &[u8]) -> Existence {
        let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let has = |key: &str| document.get(key).is_some();
        match status {
            StatusCode::OK if has("name") && (has("namespace") || has("user")) => Existence::Exists,
            StatusCode::NOT_FOUND if self.is_no_such_repository(&document) => Existence::Missing,
            _ => Existence::Unknown,
        }
    }

    /// Docker Hub returns `{"message": "object not found", "errinfo": {}}` or, on older paths,
    /// `{"detail": "Object not found"}`. Quay returns `{"status": 404, "error_type": "not_found",
    /// "detail": "Not Found", …}`.
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
    fn existence_needs_a_response_of_the_api() {
        use Existence::{Exists, Missing, Unknown};
        use VendorApi::{DockerHub, Quay};
        let registry = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"x","detail":{}}]}"#;
        let table = [
            (
                DockerHub,
                200,
                r#"{"user":"a","name":"b","namespace":"a"}"#,
                Exists,
            ),
            (
                DockerHub,
                404,
                r#"{"message":"object not found","errinfo":{}}"#,
                Missing,
            ),
            (DockerHub, 404, r#"{"detail":"Object not found"}"#, Missing),
            (
                Quay,
                200,
                r#"{"namespace":"a","name":"b","is_public":true}"#,
                Exists,
            ),
            (
                Quay,
                404,
                r#"{"status":404,"error_type":"not_found"}"#,
                Missing,
            ),
            // Responses of other servers at that address.
            (DockerHub, 200, "<html>", Unknown),
            (DockerHub, 200, r#"{"name":"a","tags":[]}"#, Unknown),
            (DockerHub, 404, "404 page not found\n", Unknown),
            (DockerHub, 404, registry, Unknown),
            (Quay, 404, registry, Unknown),
        ];
        for (api, status, body, want) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let existence = api.read_existence(status, body.as_bytes());
            assert_eq!(existence, want, "{api:?} {status} {body}");
        }
    }
}
