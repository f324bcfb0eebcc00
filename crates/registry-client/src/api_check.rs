//! The results of checks of a registry.

use http::StatusCode;
use url::Url;

use crate::auth::Challenge;
use crate::certificate::CertificateInfo;
use crate::redact;

/// The result of a request for `/v2/`.
#[derive(Debug, Clone)]
pub struct ApiCheck {
    pub(crate) url: Url,
    /// The status without credentials.
    pub status: StatusCode,
    /// The credentials that the registry requests, `None` for an open one.
    pub scheme: Option<ApiScheme>,
    /// The result with the stored credentials.
    pub credentials: CredentialCheck,
}

/// The authentication scheme of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiScheme {
    /// User and password (RFC 7617).
    Basic,
    /// A token of the server at this URL, redacted.
    Bearer {
        /// The token server.
        realm: String,
    },
}

/// The result of a check of stored credentials. A refusal is an [`Error`](crate::Error).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialCheck {
    /// The registry requests none, so they cannot be checked.
    NotRequested,
    /// None are stored.
    Missing,
    /// The stored ones are of another kind than the registry requests.
    Unsuitable,
    /// The registry accepts them.
    Accepted,
}

/// The TLS connection to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// Such as `TLS 1.3`.
    pub version: String,
    /// The registry's certificate, `None` if it cannot be parsed.
    pub certificate: Option<CertificateInfo>,
}

impl ApiCheck {
    /// Returns the URL that was requested, redacted.
    #[must_use]
    pub fn url(&self) -> String {
        redact::url(&self.url)
    }
}

impl From<&Challenge> for ApiScheme {
    fn from(challenge: &Challenge) -> Self {
        match challenge {
            Challenge::Basic => Self::Basic,
            Challenge::Bearer { realm, .. } => Self::Bearer {
                realm: redact::printable(&redact::redact_urls(realm), 200),
            },
        }
    }
}
