//! A response with an unexpected status.

use std::time::Duration;

use http::{Method, StatusCode};
use image_name::Digest;

use crate::error_body::{self, ErrorCode};
use crate::redact::printable;

/// A response with an unexpected status and the error message of the registry.
#[derive(Debug, Clone)]
pub struct StatusError {
    /// The request's method.
    pub method: Method,
    /// The request's URL, redacted.
    pub url: String,
    /// The status.
    pub status: StatusCode,
    /// The error codes and messages of the distribution specification's error body.
    pub codes: Vec<ErrorCode>,
    /// The start of a body in another format.
    pub text: String,
    /// True if the request carried credentials or a token obtained with credentials.
    pub authenticated: bool,
    /// The pause that the registry requests.
    pub retry_after: Option<Duration>,
    /// True if the response is from another host, to which the registry redirected: its storage.
    pub redirected: bool,
}

/// The maximum number of printed entries of an error body.
const PRINTED_CODES: usize = 4;

/// The codes with which AWS asks for fewer requests.
///
/// Source: AWS SDKs and tools reference, "Retry behavior".
const THROTTLING: [&str; 4] = [
    "RequestLimitExceeded",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// The codes with which AWS refuses credentials.
///
/// Source: Amazon ECR API reference, "Common errors".
const REFUSALS: [&str; 8] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "UnrecognizedClientException",
];

/// The codes of a registry that lacks content which a request refers to.
const MISSING_CONTENT: [&str; 3] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];

impl std::error::Error for StatusError {}

impl std::fmt::Display for StatusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.method, self.url, self.status.as_u16())?;
        if let Some(reason) = self.status.canonical_reason() {
            write!(f, " {reason}")?;
        }
        for ErrorCode { code, message, .. } in self.codes.iter().take(PRINTED_CODES) {
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
    /// Returns whether the registry reported this error code.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.code == code)
    }

    /// Returns the digests of the content that the registry reports as missing, none if it names
    /// none; `None` for any other error.
    #[must_use]
    pub fn missing_content(&self) -> Option<Vec<Digest>> {
        let codes = self.codes.iter();
        let missing = codes.filter(|code| MISSING_CONTENT.contains(&code.code.as_str()));
        let missing: Vec<_> = missing.collect();
        let digests = missing.iter().flat_map(|code| &code.digests).cloned();
        (!missing.is_empty()).then(|| digests.collect())
    }

    /// Returns whether the host asks for fewer requests: 429, or a code of AWS, which has status 400.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
            || THROTTLING.iter().any(|code| self.has_code(code))
    }

    /// Returns whether the host refuses the credentials: 401, 403, or a code of AWS, which has status
    /// 400.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) || REFUSALS.iter().any(|code| self.has_code(code))
    }

    /// Reads the error codes of a body. A body in an unknown format becomes one short line of text.
    pub(crate) fn read_body(&mut self, body: &[u8]) {
        match error_body::parse(body) {
            Some(codes) => self.codes = codes,
            None => self.text = printable(&String::from_utf8_lossy(body), error_body::LENGTH),
        }
    }
}
