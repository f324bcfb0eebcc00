//! The errors of requests.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use image_name::{Digest, ManifestReferenceError, RepositoryPathError};

use crate::connection_failure::{ConnectionFailure, TlsFailure};
use crate::credentials::CredentialError;
use crate::local_error::LocalError;
use crate::quota_window::QuotaWindow;
use crate::redact::printable;
use crate::registries_conf::ResolveError;
pub use crate::status_error::StatusError;
use crate::timeout_phase::TimeoutPhase;
use crate::trust::TrustError;

/// An error of a request or of its preparation.
///
/// It is `Clone`, because many rows can wait for one request. Its URLs contain no credentials and no
/// secret query values; texts of the registry contain no control characters.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A response with an unexpected status.
    #[error(transparent)]
    Status(Arc<StatusError>),
    /// No connection, a broken connection, or a body that ended early.
    #[error("{method} {url}: {detail}")]
    Connection {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The reason.
        failure: ConnectionFailure,
        /// The causes, outermost first, joined by colons.
        detail: String,
    },
    /// A proxy that refused to forward a request. It is not retried.
    #[error("{method} {url}: the proxy {proxy} responded {status}")]
    Proxy {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The proxy's URL, redacted.
        proxy: String,
        /// The status of the proxy.
        status: StatusCode,
        /// True if the proxy's URL has a user, whose credentials were sent.
        authenticated: bool,
    },
    /// A TLS handshake in which one side refused the other. It is not retried.
    #[error("TLS handshake with {host} failed: {detail}")]
    Tls {
        /// The host and port.
        host: String,
        /// The reason.
        failure: TlsFailure,
        /// The causes, outermost first, joined by colons.
        detail: String,
    },
    /// A peer that was idle for too long.
    #[error("{method} {url}: {phase} within {} s", after.as_secs_f32())]
    Timeout {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The phase of the request.
        phase: TimeoutPhase,
        /// The timeout.
        after: Duration,
    },
    /// Content with another digest than expected.
    #[error(
        "{url}: the content has digest {actual}, not {expected}: it was damaged or replaced in transit"
    )]
    DigestMismatch {
        /// The URL of the content, redacted.
        url: String,
        /// The requested digest.
        expected: Digest,
        /// The digest of the received content.
        actual: String,
    },
    /// Content of another size than its descriptor.
    #[error("{url}: the content has {actual} bytes, the descriptor says {expected}")]
    SizeMismatch {
        /// The URL of the content, redacted.
        url: String,
        /// Bytes according to the descriptor.
        expected: u64,
        /// Bytes according to the response.
        actual: u64,
    },
    /// A response that is too large for memory.
    #[error("{url}: the response is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The request's URL, redacted.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A response that violates the distribution specification.
    #[error("{method} {url}: {what}")]
    Protocol {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The violation.
        what: String,
    },
    /// Documents of one image that take more memory than
    /// [`ClientBuilder::document_memory`](crate::ClientBuilder::document_memory) leaves it.
    #[error("the manifests and lists of an image take more than {} MiB of memory at the same time", limit.div_ceil(1024 * 1024))]
    DocumentMemory {
        /// The memory in bytes.
        limit: u64,
    },
    /// A page of a list that the registry does not serve, although it has served the pages before.
    #[error("page {page} of the list is missing: {error}")]
    MissingPage {
        /// The number of the page, at least 2.
        page: usize,
        /// The response.
        error: Arc<StatusError>,
    },
    /// A request to another repository than its own, or a write that the policy does not allow.
    #[error("{method} {url} was not sent: {what}")]
    NotSent {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The reason.
        what: String,
    },
    /// A name that is not a repository path.
    #[error("{host}/{path} is not a repository: {source}")]
    Name {
        /// The registry.
        host: String,
        /// The path.
        path: String,
        /// The reason.
        source: RepositoryPathError,
    },
    /// A reference that names neither a tag nor a digest.
    #[error("{reference} is not an image: {source}")]
    Reference {
        /// The image reference.
        reference: String,
        /// The reason.
        source: ManifestReferenceError,
    },
    /// A host that has not responded to earlier requests. This request was not sent.
    #[error("{host} cannot be used: {detail}")]
    HostDown {
        /// The host and port.
        host: String,
        /// The reason of the last failed connection, if one failed.
        failure: Option<ConnectionFailure>,
        /// The reason as text.
        detail: String,
    },
    /// A token server that cannot be used. The registry itself responds.
    #[error(
        "the token server {server}, named by {host}, {}",
        token_server_cause(error)
    )]
    TokenServer {
        /// The token server, `HOST[:PORT]`.
        server: String,
        /// The registry.
        host: String,
        /// The error of the request for a token.
        error: Arc<Error>,
    },
    /// The pull quota of the host does not suffice for an image.
    #[error("{host} has {quota}, {}", quota_need(*needed))]
    QuotaExhausted {
        /// The host.
        host: String,
        /// The pulls that the image needs; 0 for a request that is no pull and that the host refuses.
        needed: u64,
        /// The quota.
        quota: QuotaWindow,
    },
    /// The maximum number of pulls from the host does not suffice for an image.
    #[error("the maximum of {max} pulls from {host} is reached")]
    MaxPulls {
        /// The host.
        host: String,
        /// The maximum.
        max: u64,
    },
    /// The host requested a pause, or pauses one after the other, longer than
    /// [`RetryPolicy::max_wait`](crate::RetryPolicy::max_wait).
    #[error("{host} requests a pause until {} (429 or Retry-After), which exceeds the maximum wait of {} s", httpdate::fmt_http_date(*until), max_wait.as_secs())]
    RateLimited {
        /// The host.
        host: String,
        /// The end of the pause.
        until: SystemTime,
        /// The longest accepted pause.
        max_wait: Duration,
    },
    /// Credentials that must not be sent to where the registry requests them.
    #[error("{host}: {what}")]
    Unsafe {
        /// The registry.
        host: String,
        /// The reason.
        what: String,
    },
    /// A stored credential that cannot be read.
    #[error("credentials for {host}: {source}")]
    Credentials {
        /// The registry.
        host: String,
        /// The cause.
        source: Arc<CredentialError>,
    },
    /// A certificate directory could not be used.
    #[error("certificates for {host}: {detail}")]
    Trust {
        /// The registry.
        host: String,
        /// The cause.
        detail: String,
    },
    /// Content of this machine that cannot be read or written. It is not retried.
    #[error(transparent)]
    Local(LocalError),
    /// A registry that registries.conf blocks.
    #[error(transparent)]
    Blocked(#[from] ResolveError),
}

/// The text of rustls for a server's certificate that is its own authority, and that in messages.
const CA_USED_DEBUG: &str = "Other(OtherError(CaUsedAsEndEntity))";
const CA_USED: &str = "self-signed certificate";

/// Returns what the token server did.
fn token_server_cause(error: &Error) -> String {
    match error {
        Error::HostDown { detail, .. } => format!("cannot be used: {detail}"),
        error => format!("cannot be used: {error}"),
    }
}

fn quota_need(needed: u64) -> String {
    match needed {
        0 => "and refuses the request (429)".to_owned(),
        needed => format!("the image needs {needed}"),
    }
}

impl Error {
    /// Names the token server in the error of a request for a token, unless it has responded.
    pub(crate) fn of_token_server(self, host: &str, realm: &url::Url) -> Self {
        let is_silent = matches!(
            self,
            Self::Connection { .. }
                | Self::Timeout { .. }
                | Self::Tls { .. }
                | Self::HostDown { .. }
        );
        if !is_silent {
            return self;
        }
        Self::TokenServer {
            server: realm[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
            host: host.to_owned(),
            error: Arc::new(self),
        }
    }

    /// Returns the status of an [`Error::Status`].
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(error) => Some(error.status),
            _ => None,
        }
    }

    /// Returns the digests of the content that the registry reports as missing. See
    /// [`StatusError::missing_content`].
    #[must_use]
    pub fn missing_content(&self) -> Option<Vec<Digest>> {
        match self {
            Self::Status(error) => error.missing_content(),
            _ => None,
        }
    }

    /// Returns whether the registry refused the credentials: 401, 403, or a code of AWS. Its storage gets
    /// none, so a refusal there does not count.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Status(error) if error.is_refused() && !error.redirected)
    }

    /// Returns whether the registry refused an anonymous request.
    #[must_use]
    pub fn is_refused_anonymous(&self) -> bool {
        matches!(self, Self::Status(error) if self.is_refused() && !error.authenticated)
    }

    /// Returns whether the registry reports that the repository does not exist.
    #[must_use]
    pub fn is_name_unknown(&self) -> bool {
        matches!(self, Self::Status(error) if error.has_code("NAME_UNKNOWN"))
    }

    /// Returns the error of local content that is the cause of another one.
    pub(crate) fn local(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(local) = error.downcast_ref::<LocalError>() {
                return Some(Self::Local(local.clone()));
            }
            cause = error.source();
        }
        None
    }

    pub(crate) fn connection(
        method: &Method,
        url: &url::Url,
        error: &(dyn std::error::Error + 'static),
    ) -> Self {
        let failure = ConnectionFailure::from_error(error);
        let mut causes = vec![error.to_string()];
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string().replace(CA_USED_DEBUG, CA_USED);
            // Some messages contain the cause.
            if !causes.iter().any(|known| known.contains(&text)) {
                causes.push(text);
            }
            cause = error.source();
        }
        // The context that the libraries add says less than the cause.
        let is_cause = |text: &&String| {
            ![
                "error sending request",
                "client error (Connect)",
                "client error (SendRequest)",
                "dns error",
                "error resolving DNS",
            ]
            .contains(&text.as_str())
        };
        let why: Vec<&String> = causes.iter().filter(is_cause).collect();
        let detail = match why[..] {
            [] => causes.join(": "),
            _ => why
                .into_iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(": "),
        };
        Self::Connection {
            method: method.clone(),
            url: crate::redact::url(url),
            failure,
            detail: printable(&detail, 500),
        }
    }

    pub(crate) fn timeout(
        method: &Method,
        url: &url::Url,
        phase: TimeoutPhase,
        after: Duration,
    ) -> Self {
        Self::Timeout {
            method: method.clone(),
            url: crate::redact::url(url),
            phase,
            after,
        }
    }

    /// Returns whether the peer did not respond at all: it cannot be reached, or it is silent.
    pub(crate) fn is_without_response(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Timeout { phase, .. } => {
                matches!(phase, TimeoutPhase::Response | TimeoutPhase::Upload)
            }
            _ => false,
        }
    }

    pub(crate) fn protocol(method: &Method, url: &url::Url, what: impl Into<String>) -> Self {
        Self::Protocol {
            method: method.clone(),
            url: crate::redact::url(url),
            what: printable(&what.into(), 1000),
        }
    }

    pub(crate) fn proxy(
        method: &Method,
        url: &url::Url,
        proxy: &url::Url,
        status: StatusCode,
    ) -> Self {
        Self::Proxy {
            method: method.clone(),
            url: crate::redact::url(url),
            proxy: crate::redact::url(proxy),
            status,
            authenticated: !proxy.username().is_empty(),
        }
    }

    pub(crate) fn trust(host: &str, error: &TrustError) -> Self {
        Self::Trust {
            host: host.to_owned(),
            detail: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_error(body: &str) -> StatusError {
        let mut error = StatusError {
            method: Method::PUT,
            url: "https://example.com/v2/a/manifests/1".into(),
            status: StatusCode::NOT_FOUND,
            codes: Vec::new(),
            text: String::new(),
            authenticated: false,
            retry_after: None,
            redirected: false,
        };
        error.read_body(body.as_bytes());
        error
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Chain(&'static str, #[source] Option<Box<Chain>>);

    #[test]
    fn connection_error_lists_its_causes() {
        let refused = Chain("Connection refused (os error 111)", None);
        let tcp = Chain("tcp connect error", Some(Box::new(refused)));
        let client = Chain("client error (Connect)", Some(Box::new(tcp)));
        let request = Chain("error sending request", Some(Box::new(client)));
        let url = "http://127.0.0.1:1/v2/".parse().unwrap();
        assert_eq!(
            Error::connection(&Method::GET, &url, &request).to_string(),
            "GET http://127.0.0.1:1/v2/: tcp connect error: Connection refused (os error 111)"
        );
    }

    #[test]
    fn self_signed_certificate_is_named() {
        let cause = "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))";
        let request = Chain("error sending request", Some(Box::new(Chain(cause, None))));
        let url = "https://r.io/v2/".parse().unwrap();
        assert_eq!(
            Error::connection(&Method::GET, &url, &request).to_string(),
            "GET https://r.io/v2/: invalid peer certificate: self-signed certificate"
        );
    }

    #[test]
    fn missing_content_is_read_from_detail_and_message() {
        let [one, two] = ['a', 'b'].map(|digit| format!("sha256:{}", digit.to_string().repeat(64)));
        let cases = [
            (
                format!(r#"{{"code":"MANIFEST_BLOB_UNKNOWN","detail":"{one}"}}"#),
                Some(vec![&one]),
            ),
            (
                format!(
                    r#"{{"code":"UNKNOWN"}},{{"code":"MANIFEST_BLOB_UNKNOWN","detail":{{"Digest":"{two}"}}}}"#
                ),
                Some(vec![&two]),
            ),
            (
                format!(
                    r#"{{"code":"BLOB_UNKNOWN","message":"no: {one}, {two}","detail":{{"name":"a"}}}}"#
                ),
                Some(vec![&one, &two]),
            ),
            (
                r#"{"code":"MANIFEST_UNKNOWN","detail":null}"#.to_owned(),
                Some(vec![]),
            ),
            (
                format!(r#"{{"code":"MANIFEST_INVALID","detail":"{one}"}}"#),
                None,
            ),
        ];
        for (entries, expected) in cases {
            let missing = status_error(&format!(r#"{{"errors":[{entries}]}}"#)).missing_content();
            let missing = missing.map(|digests| digests.iter().map(ToString::to_string).collect());
            let expected: Option<Vec<String>> =
                expected.map(|digests| digests.into_iter().cloned().collect());
            assert_eq!(missing, expected, "{entries}");
        }
    }

    #[test]
    fn status_error_shows_registry_message_without_control_characters() {
        let cases = [
            (
                r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no\u001b[31m such","detail":{}}]}"#,
                "PUT https://example.com/v2/a/manifests/1: 404 Not Found: NAME_UNKNOWN (no [31m such)",
            ),
            (
                r#"{"errors":[{"code":"DENIED","message":null}]}"#,
                "PUT https://example.com/v2/a/manifests/1: 404 Not Found: DENIED",
            ),
            (
                "<html>\n<h1>Bad\r\n::error::x</h1>",
                "PUT https://example.com/v2/a/manifests/1: 404 Not Found: <html> <h1>Bad ::error::x</h1>",
            ),
            (
                "",
                "PUT https://example.com/v2/a/manifests/1: 404 Not Found",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(status_error(body).to_string(), message);
        }
    }
}
