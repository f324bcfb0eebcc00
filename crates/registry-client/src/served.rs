//! Endpoints that a registry, or a proxy in front of it, does not serve.
//!
//! The distribution specification has a status for a missing manifest or blob (404), but none for an
//! endpoint that is missing or closed. Registries and proxies use what they have:
//!
//! | status | from |
//! | --- | --- |
//! | 400 | ECR (referrers), Artifactory (manifest that is a blob) |
//! | 401, 403 | GHCR and GitLab (tags, referrers), API gateways (unknown paths) |
//! | 404 | distribution 2.8, Harbor before 2.8 (referrers) |
//! | 405, 501 | object stores and static hosts (HEAD, lists) |
//! | 406, 410 | proxies that know the media types or paths of old APIs only |
//! | 204, or 200 with HTML | web servers and sign-in pages that answer every path |

use http::Method;
use http::header::CONTENT_TYPE;

use crate::error::Error;
use crate::transport::BufferedResponse;

/// The statuses of success.
pub(crate) const SUCCESS: &[u16] = &[200, 201, 202, 203, 204, 205, 206];

/// The statuses of a read whose meaning [`Availability::of`] knows. A refusal (401, 403) is an error,
/// because it may come from the token server and may need other credentials.
pub(crate) const READ: &[u16] = &[
    200, 201, 202, 203, 204, 205, 206, 400, 404, 405, 406, 410, 501,
];

/// The availability of what a read has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    /// The response has it.
    Available,
    /// The registry does not have it, or does not have the endpoint (404).
    Missing,
    /// The registry does not serve the endpoint.
    NotServed,
}

impl Availability {
    /// Returns the availability from the response to a read. The body decides about HTML, because some
    /// registries send manifests as `text/html`; a HEAD has no body, but a registry sends a digest.
    pub(crate) fn of(response: &BufferedResponse) -> Self {
        let is_html = || {
            let content_type = response.header(CONTENT_TYPE.as_str()).unwrap_or_default();
            response.body.trim_ascii_start().starts_with(b"<")
                || (response.method == Method::HEAD
                    && content_type.starts_with("text/html")
                    && response.header("docker-content-digest").is_none())
        };
        match response.status.as_u16() {
            404 => Self::Missing,
            204 => Self::NotServed,
            200..=299 if !is_html() => Self::Available,
            _ => Self::NotServed,
        }
    }
}

impl Error {
    /// Returns whether a response says that the registry does not serve the endpoint of the request,
    /// or not to this client. Other requests to the repository may work.
    #[must_use]
    pub fn is_not_served(&self) -> bool {
        let status = match self {
            Self::MissingPage { error, .. } => Some(error.status),
            error => error.status(),
        };
        status.is_some_and(|status| {
            // The status of success of a response without the content that was asked for.
            status.is_success()
                || matches!(
                    status.as_u16(),
                    400 | 401 | 403 | 404 | 405 | 406 | 410 | 501
                )
        })
    }
}
