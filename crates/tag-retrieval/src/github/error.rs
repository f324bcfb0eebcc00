//! Errors of requests to GitHub.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, StatusCode};

use super::rate_limit::RateLimit;

/// An error of a request to GitHub. No variant holds the token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum GithubError {
    /// 404: the target does not exist, or is private.
    #[error("GitHub has no {target}{}", if *.authenticated {
        ": check the name and the permissions of the token"
    } else {
        ": check the name; for a private repository, set GITHUB_TOKEN to a token that may read it"
    })]
    NotFound {
        /// The target, such as `repository coredns/coredns`.
        target: String,
        /// True if a token was sent.
        authenticated: bool,
    },
    /// 401: GitHub refuses the token.
    #[error("GitHub refuses the token ({message}): set GITHUB_TOKEN to a valid token")]
    BadToken {
        /// The message of GitHub.
        message: String,
    },
    /// A rate limit applies beyond the deadline.
    #[error("GitHub's {limit} applies until {}, past the deadline: run again then{}",
        time(.until), if *.authenticated { "" } else {
        ", or set GITHUB_TOKEN to raise the limit"
    })]
    RateLimited {
        /// The limit.
        limit: RateLimit,
        /// The time at which the limit ends.
        until: DateTime<Utc>,
        /// True if a token was sent.
        authenticated: bool,
    },
    /// Another failure status.
    #[error("{method} {url}: {status}: {message}{}", status_hint(.status, .message))]
    Status {
        /// The method.
        method: Method,
        /// The URL.
        url: String,
        /// The status of the last response.
        status: StatusCode,
        /// The message of GitHub.
        message: String,
    },
    /// The connection failed on every attempt.
    #[error("{method} {url}: {detail}: {}", connection_hint(.detail))]
    Connection {
        /// The method.
        method: Method,
        /// The URL.
        url: String,
        /// The chain of causes.
        detail: String,
    },
    /// No response arrived in time.
    #[error("{method} {url}: no response within {} s: run again later", .after.as_secs())]
    Timeout {
        /// The method.
        method: Method,
        /// The URL.
        url: String,
        /// The time waited, earlier attempts included.
        after: Duration,
    },
    /// The response does not match the API documentation.
    #[error("invalid response from {url}: {detail}: check GITHUB_API_URL")]
    Protocol {
        /// The URL.
        url: String,
        /// The cause.
        detail: String,
    },
    /// The client cannot be created.
    #[error("cannot create a client for GitHub at {api}: {detail}")]
    Setup {
        /// The URL of the API.
        api: String,
        /// The cause.
        detail: String,
    },
}

impl GithubError {
    /// Returns the status, for an error that has one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::NotFound { .. } => Some(StatusCode::NOT_FOUND),
            Self::BadToken { .. } => Some(StatusCode::UNAUTHORIZED),
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Names the target of a [`NotFound`](Self::NotFound).
    #[must_use]
    pub fn with_target(mut self, name: impl FnOnce() -> String) -> Self {
        if let Self::NotFound { target, .. } = &mut self {
            *target = name();
        }
        self
    }
}

fn time(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn connection_hint(detail: &str) -> &'static str {
    // The text of rustls for a certificate of an unknown authority.
    match detail.contains("UnknownIssuer") {
        true => "set SSL_CERT_FILE to the certificate of the API's authority",
        false => "check the network and GITHUB_API_URL",
    }
}

fn status_hint(status: &StatusCode, message: &str) -> &'static str {
    match status.as_u16() {
        403 if message.to_lowercase().contains("rate limit") => {
            ": run again later; GITHUB_TOKEN raises the limit"
        }
        403 => ": check the permissions of the token; without one, set GITHUB_TOKEN",
        500..=599 => ": run again later",
        _ => "",
    }
}
