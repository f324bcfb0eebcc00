//! Why GitHub did not give what was asked for.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, StatusCode};

use super::limit::RateLimit;

/// Why GitHub did not give what was asked for. No variant holds the token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GithubError {
    /// 404: it is not there, or it is private.
    #[error("GitHub has no {what}{}", if *.authenticated {
        ": check the name, and whether the token may read it"
    } else {
        ": check the name; if it is private, a token that may read it is needed (GITHUB_TOKEN)"
    })]
    NotFound {
        /// Such as `repository coredns/coredns`.
        what: String,
        /// Whether a token was sent.
        authenticated: bool,
    },
    /// 401: the token is refused, whatever is asked for.
    #[error(
        "GitHub refuses the token ({message}): it is wrong, expired or revoked; give another (GITHUB_TOKEN)"
    )]
    BadToken {
        /// What GitHub says.
        message: String,
    },
    /// A limit holds beyond the deadline.
    #[error("GitHub's {limit} is reached until {}, which is past the deadline: run again then{}",
        time(.until), if *.authenticated { "" } else {
        ", or with a token, which raises the limit (GITHUB_TOKEN)"
    })]
    RateLimited {
        /// Which.
        limit: RateLimit,
        /// When it ends.
        until: DateTime<Utc>,
        /// Whether a token was sent.
        authenticated: bool,
    },
    /// Another status that is no success.
    #[error("{method} {url}: {status}: {message}{}", of_status(.status))]
    Status {
        /// What was asked for.
        method: Method,
        /// Where.
        url: String,
        /// The last answer's.
        status: StatusCode,
        /// What GitHub says.
        message: String,
    },
    /// There was no answer, however often it was tried.
    #[error("{method} {url}: {detail}: {}", of_connection(.detail))]
    Connection {
        /// What was asked for.
        method: Method,
        /// Where.
        url: String,
        /// The cause and its causes.
        detail: String,
    },
    /// There was no answer in time.
    #[error("{method} {url}: no answer within {} seconds: run again later", .after.as_secs())]
    Timeout {
        /// What was asked for.
        method: Method,
        /// Where.
        url: String,
        /// How long was waited, tries before included.
        after: Duration,
    },
    /// The answer is not what GitHub's documentation says.
    #[error(
        "{url} does not answer like GitHub: {detail}: check the API's address (GITHUB_API_URL)"
    )]
    Protocol {
        /// Where.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Nothing can be asked at all.
    #[error("GitHub cannot be asked at {api}: {detail}")]
    Setup {
        /// The API's address.
        api: String,
        /// Why.
        detail: String,
    },
}

impl GithubError {
    /// The status, where that is what went wrong.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::NotFound { .. } => Some(StatusCode::NOT_FOUND),
            Self::BadToken { .. } => Some(StatusCode::UNAUTHORIZED),
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Says in a [`NotFound`](Self::NotFound) what is not there.
    #[must_use]
    pub fn of(mut self, what: impl FnOnce() -> String) -> Self {
        if let Self::NotFound { what: named, .. } = &mut self {
            *named = what();
        }
        self
    }
}

fn time(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn of_connection(detail: &str) -> &'static str {
    // rustls' words for a certificate that nobody here vouches for.
    match detail.contains("UnknownIssuer") {
        true => "name the file of the API's certificate authority (SSL_CERT_FILE)",
        false => "check the network, and the API's address (GITHUB_API_URL)",
    }
}

fn of_status(status: &StatusCode) -> &'static str {
    match status.as_u16() {
        403 => ": the token lacks a permission for it",
        500..=599 => ": GitHub has trouble, run again later",
        _ => "",
    }
}
