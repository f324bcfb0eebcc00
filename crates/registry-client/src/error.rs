//! One error type for the wire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use image_name::{Digest, ManifestReferenceError, RepositoryPathError};

use crate::connection_failure::{ConnectionFailure, TlsFailure};
use crate::credentials::CredentialError;
use crate::redact::printable;
use crate::registries_conf::ResolveError;
use crate::trust::TrustError;

/// What can go wrong between us and a registry.
///
/// It is `Clone`, because one request can answer many waiting rows. URLs in it
/// carry no credentials and no query values; texts from the registry carry no
/// control characters.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The registry answered with a status that is no success.
    #[error("{0}")]
    Status(Arc<StatusError>),
    /// No connection, a broken one, or a body cut short.
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
    /// Nothing came for too long.
    #[error("{method} {url}: no {phase} within {} s", after.as_secs_f32())]
    Timeout {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// What was phase.
        phase: TimeoutPhase,
        /// How long.
        after: Duration,
    },
    /// Content that is not what its digest says.
    #[error(
        "{url}: the content has digest {actual}, not {expected}: it was damaged or replaced on the way"
    )]
    DigestMismatch {
        /// Where the content came from, redacted.
        url: String,
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what came.
        actual: String,
    },
    /// Content that is longer or shorter than its descriptor says.
    #[error("{url}: {actual} bytes came where the descriptor says {expected}")]
    SizeMismatch {
        /// Where the content came from, redacted.
        url: String,
        /// Bytes according to the descriptor.
        expected: u64,
        /// Bytes according to the answer.
        actual: u64,
    },
    /// An answer beyond what is accepted into memory.
    #[error("{url}: the answer is larger than {limit} bytes, the most that is accepted here")]
    TooLarge {
        /// The request's URL, redacted.
        url: String,
        /// The bound in bytes.
        limit: u64,
    },
    /// An answer that the distribution specification does not allow.
    #[error("{method} {url}: {what}")]
    Protocol {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// What is wrong with the answer.
        what: String,
    },
    /// A request that leads elsewhere than to its repository, or writes what is not planned.
    #[error("{method} {url} was not sent: {what}")]
    NotSent {
        /// The request's method.
        method: Method,
        /// The request's URL, redacted.
        url: String,
        /// The reason.
        what: String,
    },
    /// A name that is not the path of a repository.
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
        /// The image's reference.
        reference: String,
        /// The reason.
        source: ManifestReferenceError,
    },
    /// The host asked for a longer pause than we are willing to make.
    #[error("{host} asks to wait until {} (Retry-After), longer than the {} s that a run waits", httpdate::fmt_http_date(*until), max_wait.as_secs())]
    RateLimited {
        /// The host that asked.
        host: String,
        /// When it may be asked again.
        until: SystemTime,
        /// The longest wait that is accepted.
        max_wait: Duration,
    },
    /// Credentials could not be read, or may not be sent where the registry wants them.
    #[error("{host}: {what}")]
    Unsafe {
        /// The registry.
        host: String,
        /// What was refused and why.
        what: String,
    },
    /// A stored credential could not be read.
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
    /// registries.conf forbids this registry.
    #[error(transparent)]
    Blocked(#[from] ResolveError),
}

/// What a [`Error::Timeout`] waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// The status line and headers of an answer.
    Response,
    /// More bytes of an answer's body.
    Body,
    /// The registry to take more bytes of an upload.
    Upload,
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Response => "answer",
            Self::Body => "further bytes",
            Self::Upload => "upload progress",
        })
    }
}

/// An answer that is no success, with the registry's own words.
#[derive(Debug, Clone)]
pub struct StatusError {
    /// The request's method.
    pub method: Method,
    /// The request's URL, redacted.
    pub url: String,
    /// The answer's status.
    pub status: StatusCode,
    /// The error codes and messages of the distribution specification's error body.
    pub codes: Vec<ErrorCode>,
    /// The start of a body that is not in the specification's form.
    pub text: String,
    /// Whether the request carried credentials or a token got with credentials.
    pub authenticated: bool,
    /// How long the registry asks to wait.
    pub retry_after: Option<Duration>,
}

/// One entry of a registry's error body.
///
/// Source: distribution specification, "Error Codes".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCode {
    /// Such as `NAME_UNKNOWN`.
    pub code: String,
    /// The registry's message.
    pub message: String,
}

impl std::fmt::Display for StatusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.method, self.url, self.status.as_u16())?;
        if let Some(reason) = self.status.canonical_reason() {
            write!(f, " {reason}")?;
        }
        for ErrorCode { code, message } in &self.codes {
            write!(f, ": {code}")?;
            if !message.is_empty() {
                write!(f, " ({message})")?;
            }
        }
        if self.codes.is_empty() && !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

impl StatusError {
    /// Whether the registry named this error code.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.code == code)
    }

    /// Reads the error body of the distribution specification; anything else
    /// becomes one short line of text.
    pub(crate) fn read_body(&mut self, body: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Body {
            errors: Vec<Entry>,
        }
        #[derive(serde::Deserialize)]
        struct Entry {
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: Option<String>,
        }
        const ENTRIES: usize = 4;
        const LENGTH: usize = 300;
        match serde_json::from_slice::<Body>(body) {
            Ok(body) => {
                let entries = body.errors.into_iter().take(ENTRIES);
                self.codes = entries
                    .map(|entry| ErrorCode {
                        code: printable(&entry.code, LENGTH),
                        message: printable(entry.message.as_deref().unwrap_or_default(), LENGTH),
                    })
                    .collect();
            }
            Err(_) => self.text = printable(&String::from_utf8_lossy(body), LENGTH),
        }
    }
}

impl Error {
    /// The answer's status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(error) => Some(error.status),
            _ => None,
        }
    }

    /// Whether the registry refused who we are: 401 or 403.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(
            self.status(),
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        )
    }

    /// Whether the registry refused a request that carried no credentials.
    #[must_use]
    pub fn is_refused_anonymous(&self) -> bool {
        matches!(self, Self::Status(error) if self.is_refused() && !error.authenticated)
    }

    /// Whether the registry says that the repository does not exist.
    #[must_use]
    pub fn is_name_unknown(&self) -> bool {
        matches!(self, Self::Status(error) if error.has_code("NAME_UNKNOWN"))
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
            let text = error.to_string();
            // Some print their cause as well.
            if !causes.iter().any(|known| known.contains(&text)) {
                causes.push(text);
            }
            cause = error.source();
        }
        // What the libraries were about says less than why they failed.
        let says_why = |text: &&String| {
            ![
                "error sending request",
                "client error (Connect)",
                "client error (SendRequest)",
                "dns error",
                "error resolving DNS",
            ]
            .contains(&text.as_str())
        };
        let why: Vec<&String> = causes.iter().filter(says_why).collect();
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

    pub(crate) fn protocol(method: &Method, url: &url::Url, what: impl Into<String>) -> Self {
        Self::Protocol {
            method: method.clone(),
            url: crate::redact::url(url),
            what: what.into(),
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
        };
        error.read_body(body.as_bytes());
        error
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Chain(&'static str, #[source] Option<Box<Chain>>);

    #[test]
    fn a_broken_connection_is_told_by_its_causes() {
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
    fn messages_carry_the_registrys_words_and_no_control_characters() {
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
