//! Failures that a test requests.

use std::time::Duration;

use http::StatusCode;

use super::rate_limit::epoch_in;
use super::response::ApiResponse;

/// A failure that replaces the response to some requests.
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    left: usize,
    method: Option<String>,
    part: String,
}

#[derive(Clone, Debug)]
enum Kind {
    Status(u16),
    Primary(Duration),
    Secondary(Option<u64>),
    LostResponse,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            left: 1,
            method: None,
            part: String::new(),
        }
    }

    /// An error status with a message that names no cause.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status))
    }

    /// A 403 for an exhausted primary rate limit, which resets after `reset`.
    pub fn primary_limit(reset: Duration) -> Self {
        Self::new(Kind::Primary(reset))
    }

    /// A 403 for a secondary rate limit (too many concurrent requests or changes), with or without
    /// `Retry-After` in seconds.
    pub fn secondary_limit(retry_after: Option<u64>) -> Self {
        Self::new(Kind::Secondary(retry_after))
    }

    /// The request is carried out, but the response is a 502.
    pub fn lost_response() -> Self {
        Self::new(Kind::LostResponse)
    }

    /// Sets the number of requests that fail. The default is 1.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.left = times;
        self
    }

    /// Limits the fault to requests whose path contains `part`.
    #[must_use]
    pub fn of(mut self, part: &str) -> Self {
        part.clone_into(&mut self.part);
        self
    }

    /// Limits the fault to requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        let method_fits = self.method.as_ref().is_none_or(|only| only == method);
        self.left > 0 && method_fits && path.contains(&self.part)
    }

    /// Returns true if the request is carried out before it fails.
    pub(super) fn is_after_processing(&self) -> bool {
        matches!(self.kind, Kind::LostResponse)
    }

    pub(super) fn response(&self) -> ApiResponse {
        match &self.kind {
            Kind::Status(status) => {
                let status = StatusCode::from_u16(*status).expect("a valid status code");
                ApiResponse::error(status, "Scripted failure")
            }
            Kind::LostResponse => ApiResponse::error(StatusCode::BAD_GATEWAY, "Server Error"),
            Kind::Primary(reset) => limited("API rate limit exceeded for 127.0.0.1.")
                .header("x-ratelimit-limit", "60")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", epoch_in(*reset).to_string()),
            Kind::Secondary(retry_after) => {
                let response = limited(
                    "You have exceeded a secondary rate limit. Please wait a few minutes before \
                     you try again.",
                )
                .header("x-ratelimit-remaining", "4000");
                match retry_after {
                    Some(seconds) => response.header("retry-after", seconds.to_string()),
                    None => response,
                }
            }
        }
    }
}

fn limited(message: &str) -> ApiResponse {
    ApiResponse::error(StatusCode::FORBIDDEN, message)
}

/// Takes the first fault that fits a request.
pub(super) fn take(faults: &mut [Fault], method: &str, path: &str) -> Option<Fault> {
    let fault = faults.iter_mut().find(|fault| fault.fits(method, path))?;
    fault.left -= 1;
    Some(fault.clone())
}
