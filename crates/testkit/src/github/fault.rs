//! What goes wrong when a test says so.

use std::time::Duration;

use http::StatusCode;

use super::answer::Answer;
use super::limit::epoch_in;

/// A failure that some requests get instead of their answer.
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
    LostAnswer,
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

    /// A status with a message that says nothing.
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status(status))
    }

    /// 403 as when the hour's requests are used up; they are back after `reset`.
    pub fn primary_limit(reset: Duration) -> Self {
        Self::new(Kind::Primary(reset))
    }

    /// 403 as when there were too many requests at once or too many changes in a minute, with
    /// `Retry-After` in seconds or without.
    pub fn secondary_limit(retry_after: Option<u64>) -> Self {
        Self::new(Kind::Secondary(retry_after))
    }

    /// What was asked for is done, and a 502 says that it is not known.
    pub fn lost_answer() -> Self {
        Self::new(Kind::LostAnswer)
    }

    /// How many requests get it; one if this is not called.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.left = times;
        self
    }

    /// Only requests whose path contains `part`.
    #[must_use]
    pub fn of(mut self, part: &str) -> Self {
        part.clone_into(&mut self.part);
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        let method_fits = self.method.as_ref().is_none_or(|only| only == method);
        self.left > 0 && method_fits && path.contains(&self.part)
    }

    /// Whether the request is carried out all the same.
    pub(super) fn is_after_the_deed(&self) -> bool {
        matches!(self.kind, Kind::LostAnswer)
    }

    pub(super) fn answer(&self) -> Answer {
        match &self.kind {
            Kind::Status(status) => {
                let status = StatusCode::from_u16(*status).expect("a status of HTTP");
                Answer::refused(status, "Scripted failure")
            }
            Kind::LostAnswer => Answer::refused(StatusCode::BAD_GATEWAY, "Server Error"),
            Kind::Primary(reset) => limited("API rate limit exceeded for 127.0.0.1.")
                .header("x-ratelimit-limit", "60")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", epoch_in(*reset).to_string()),
            Kind::Secondary(retry_after) => {
                let answer = limited(
                    "You have exceeded a secondary rate limit. Please wait a few minutes before \
                     you try again.",
                )
                .header("x-ratelimit-remaining", "4000");
                match retry_after {
                    Some(seconds) => answer.header("retry-after", seconds.to_string()),
                    None => answer,
                }
            }
        }
    }
}

fn limited(message: &str) -> Answer {
    Answer::refused(StatusCode::FORBIDDEN, message)
}

/// Takes the first fault that is due.
pub(super) fn take(faults: &mut [Fault], method: &str, path: &str) -> Option<Fault> {
    let fault = faults.iter_mut().find(|fault| fault.fits(method, path))?;
    fault.left -= 1;
    Some(fault.clone())
}
