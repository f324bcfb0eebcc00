//! A response of GitHub.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use registry_client::cut_sent_secrets;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Maximum length of an error message, in characters.
const MAX_MESSAGE_LENGTH: usize = 300;

/// Maximum `Retry-After`, in seconds. It exceeds every deadline and overflows no date.
const MAX_RETRY_AFTER: u64 = 366 * 24 * 60 * 60;

/// A response of GitHub with its whole body.
#[derive(Debug, Clone)]
pub struct GithubResponse {
    /// The status, of success or failure.
    pub status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl GithubResponse {
    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// The cause, in one line, if the body is not such a document.
    pub(super) fn document<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// Returns the body as text. Invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns true if the list has another page (<https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>).
    #[must_use]
    pub fn has_next_page(&self) -> bool {
        let mut links = self.headers.get_all(http::header::LINK).iter();
        links.any(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.contains("rel=\"next\"") || value.contains("rel=next")
        })
    }

    /// Returns the error message, in one line.
    pub(super) fn message(&self) -> String {
        let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = match document["message"].as_str() {
            Some(message) => {
                let errors = document["errors"].as_array().into_iter().flatten();
                let errors = errors.filter_map(|error| error["message"].as_str());
                let all: Vec<_> = std::iter::once(message).chain(errors).collect();
                all.join(": ")
            }
            None => self.text(),
        };
        let text = cut_sent_secrets(&text);
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ").chars().take(MAX_MESSAGE_LENGTH).collect()
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.number("retry-after")?.min(MAX_RETRY_AFTER);
        Some(Duration::from_secs(seconds))
    }

    /// Returns the number of requests allowed in an hour.
    pub(super) fn limit(&self) -> Option<u64> {
        self.number("x-ratelimit-limit")
    }

    pub(super) fn remaining(&self) -> Option<u64> {
        self.number("x-ratelimit-remaining")
    }

    /// Returns the time at which the rate limit resets.
    pub(super) fn reset(&self) -> Option<DateTime<Utc>> {
        let seconds = self.number("x-ratelimit-reset")?;
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
    }

    fn number(&self, header: &str) -> Option<u64> {
        let value = self.headers.get(header)?.to_str().ok()?;
        value.trim().parse().ok()
    }
}
