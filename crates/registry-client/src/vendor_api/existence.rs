//! Whether a repository exists.
//!
//! The registries themselves do not say: to strangers a repository that does
//! not exist is one that they may not read.

use http::StatusCode;
use serde_json::Value;

use super::api::VendorApi;
use super::repository::VendorRepository;
use crate::error::Error;

/// What an API says of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existence {
    /// It exists.
    Exists,
    /// It does not exist, or strangers are not to know that it does.
    Missing,
    /// Whoever answered is no such API, or does not tell strangers.
    Unknown,
}

impl VendorRepository {
    /// Whether the repository exists. Asked once, since the registry can be
    /// asked instead; a pause that the host asks for is made.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; a refusal (4xx) is none, but [`Existence::Unknown`].
    pub async fn exists(&self) -> Result<Existence, Error> {
        match self.site.reply_once(&self.target, &[200, 404]).await {
            Ok(reply) => Ok(self.api.read_existence(reply.status, &reply.body)),
            Err(error) if is_refusal(&error) => Ok(Existence::Unknown),
            Err(error) => Err(error),
        }
    }
}

/// Whether whoever answered does not want to be asked this.
pub(super) fn is_refusal(error: &Error) -> bool {
    error
        .status()
        .is_some_and(|status| status.is_client_error() && !matches!(status.as_u16(), 408 | 429))
}

impl VendorApi {
    /// What an answer says. A registry that stands where the API was looked
    /// for answers 404 as well, with a page or the distribution
    /// specification's `errors`, which says nothing.
    fn read_existence(self, status: StatusCode, body: &[u8]) -> Existence {
        let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let has = |key: &str| document.get(key).is_some();
        match status {
            StatusCode::OK if has("name") && (has("namespace") || has("user")) => Existence::Exists,
            StatusCode::NOT_FOUND if self.is_no_such_repository(&document) => Existence::Missing,
            _ => Existence::Unknown,
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
            // Other things at that address.
            (DockerHub, 200, "<html>", Unknown),
            (DockerHub, 200, r#"{"name":"a","tags":[]}"#, Unknown),
            (DockerHub, 404, "404 page not found\n", Unknown),
            (DockerHub, 404, registry, Unknown),
            (Quay, 404, registry, Unknown),
        ];
        for (api, status, body, want) in table {
            let status = StatusCode::from_u16(status).unwrap();
            let said = api.read_existence(status, body.as_bytes());
            assert_eq!(said, want, "{api:?} {status} {body}");
        }
    }
}
