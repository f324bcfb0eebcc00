//! One page of tags with their push times.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::endpoint::VendorApi;

/// One page of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagPage {
    /// Tags and their last push times, where the API has them.
    pub(super) tags: Vec<(String, Option<DateTime<Utc>>)>,
    /// The query of the next page.
    pub(super) next: Option<String>,
}

/// Source: Docker Hub API reference, "List repository tags".
#[derive(Deserialize)]
struct HubPage {
    next: Option<String>,
    results: Vec<HubTag>,
}

#[derive(Deserialize)]
struct HubTag {
    name: String,
    tag_last_pushed: Option<String>,
    last_updated: Option<String>,
}

/// Source: Quay API reference, `listRepoTags`.
#[derive(Deserialize)]
struct QuayPage {
    tags: Vec<QuayTag>,
    page: u32,
    #[serde(default)]
    has_additional: bool,
}

#[derive(Deserialize)]
struct QuayTag {
    name: String,
    /// The time at which the tag got its present content, in seconds since 1970.
    start_ts: Option<i64>,
}

impl VendorApi {
    /// Returns the path below the repository and the query of the first page. Both APIs list at most a
    /// hundred tags a page.
    pub(super) fn first_page(self) -> (&'static str, String) {
        match self {
            Self::DockerHub => ("/tags", "page_size=100".to_owned()),
            Self::Quay => ("/tag/", quay_page(1)),
        }
    }

    /// Parses a page, or returns `None` if it is not a page of this API.
    pub(super) fn read_page(self, body: &[u8]) -> Option<TagPage> {
        match self {
            Self::DockerHub => {
                let page: HubPage = serde_json::from_slice(body).ok()?;
                // The URL has Docker Hub's own host; only its query fits behind a proxy.
                let next = page
                    .next
                    .and_then(|next| Some(next.split_once('?')?.1.to_owned()));
                let tags = page.results.into_iter().map(|tag| (tag.pushed(), tag.name));
                Some(TagPage {
                    tags: tags.map(|(pushed, name)| (name, pushed)).collect(),
                    next,
                })
            }
            Self::Quay => {
                let page: QuayPage = serde_json::from_slice(body).ok()?;
                let pushed = |tag: &QuayTag| DateTime::from_timestamp(tag.start_ts?, 0);
                let tags = page.tags.into_iter().map(|tag| (pushed(&tag), tag.name));
                Some(TagPage {
                    tags: tags.map(|(pushed, name)| (name, pushed)).collect(),
                    next: page
                        .has_additional
                        .then(|| quay_page(page.page.saturating_add(1))),
                })
            }
        }
    }

    /// Returns the path below the repository for a single tag, where pages do not list all tags.
    ///
    /// Source: Docker Hub API reference, "Read repository tag".
    pub(super) fn single(self, tag: &str) -> Option<String> {
        match self {
            Self::DockerHub => Some(format!("/tags/{tag}")),
            Self::Quay => None,
        }
    }

    /// Reads the last push time from the response for a single tag.
    pub(super) fn read_single(self, body: &[u8]) -> Option<DateTime<Utc>> {
        serde_json::from_slice::<HubTag>(body).ok()?.pushed()
    }
}

impl HubTag {
    /// Returns the push time. `last_updated` is the older field, which all tags have.
    fn pushed(&self) -> Option<DateTime<Utc>> {
        let text = self
            .tag_last_pushed
            .as_ref()
            .or(self.last_updated.as_ref())?;
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        Some(time.with_timezone(&Utc))
    }
}

/// Without `onlyActiveTags`, quay also lists former contents of tags.
fn quay_page(number: u32) -> String {
    format!("limit=100&page={number}&onlyActiveTags=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(seconds, 0)
    }

    #[test]
    fn read_page_accepts_only_pages_of_its_api() {
        use VendorApi::{DockerHub, Quay};
        let hub = r#"{"count":3,"next":"https://hub.docker.com/v2/x/tags?page=2&page_size=100",
            "previous":null,"results":[
            {"name":"1","last_updated":"2020-01-01T00:00:00Z","tag_last_pushed":"1970-01-01T00:00:09.5Z"},
            {"name":"2","last_updated":"1970-01-01T00:00:08Z","tag_last_pushed":null},
            {"name":"3","last_updated":null}]}"#;
        let page = DockerHub.read_page(hub.as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("page=2&page_size=100"));
        let times: Vec<_> = page
            .tags
            .iter()
            .map(|(name, time)| (name.as_str(), time.map(|t| t.timestamp())))
            .collect();
        assert_eq!(times, [("1", Some(9)), ("2", Some(8)), ("3", None)]);

        let quay = r#"{"tags":[{"name":"a","start_ts":7,"last_modified":"x"},{"name":"b"}],
            "page":4,"has_additional":true}"#;
        let page = Quay.read_page(quay.as_bytes()).unwrap();
        assert_eq!(page.tags, [("a".to_owned(), at(7)), ("b".to_owned(), None)]);
        assert_eq!(
            page.next.as_deref(),
            Some("limit=100&page=5&onlyActiveTags=true")
        );
        let last = r#"{"tags":[],"page":5,"has_additional":false}"#;
        assert_eq!(Quay.read_page(last.as_bytes()).unwrap().next, None);

        // The response of a registry to such a request.
        let registry = r#"{"name":"a/b","tags":["1"]}"#;
        for other in ["<html>", "{}", registry] {
            assert_eq!(DockerHub.read_page(other.as_bytes()), None, "{other}");
            assert_eq!(Quay.read_page(other.as_bytes()), None, "{other}");
        }
    }
}
