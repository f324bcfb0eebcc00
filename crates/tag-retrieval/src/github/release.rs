//! A release of a project.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A release of a project.
///
/// Source: <https://docs.github.com/en/rest/releases/releases>.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// The git tag.
    #[serde(rename = "tag_name")]
    pub tag: String,
    /// True if the release is a draft. GitHub lists drafts for users with write access only.
    #[serde(default)]
    pub draft: bool,
    /// True if the release is a prerelease.
    #[serde(default)]
    pub prerelease: bool,
    /// The time of publication in RFC 3339; none for a draft.
    #[serde(default)]
    published_at: Option<String>,
    /// The URL of the release page.
    #[serde(default)]
    pub html_url: String,
}

impl Release {
    /// Returns the time of publication.
    #[must_use]
    pub fn published(&self) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(self.published_at.as_deref()?);
        Some(time.ok()?.to_utc())
    }
}
