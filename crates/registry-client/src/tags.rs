//! The tags of a repository.
//!
//! Source: distribution specification, "Listing Tags".

use http::Method;
use image_name::Tag;
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::paging::next_list_page;
use crate::redact::printable;
use crate::repository::Repository;

/// Tags asked for at a time; registries that serve fewer say so with `Link`.
const PAGE: usize = 1000;
/// A repository of a million tags; a registry that pages without end stops here.
const PAGES: usize = 1000;

/// Google's registries send all tags in one page, with the manifests of each.
const TAGS_LIMIT: u64 = 64 * 1024 * 1024;

/// Characters of an invalid entry that are kept for the warning.
const INVALID_LENGTH: usize = 100;

#[derive(serde::Deserialize)]
struct Page {
    /// `null` in distribution for a repository without tags.
    tags: Option<Vec<String>>,
}

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList {
    /// The tags, in the registry's order.
    pub tags: Vec<Tag>,
    /// The number of entries that are not tags. They are left out.
    pub invalid: usize,
    /// The first of them, shortened and without control characters.
    pub first_invalid: Option<String>,
}

impl TagList {
    /// Returns a warning where entries were left out.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let first = self.first_invalid.as_ref()?;
        let count = self.invalid;
        Some(format!(
            "the list of tags has entries that are not tags; they are left out: {count}, the first is {first:?}"
        ))
    }

    fn push(&mut self, text: &str) {
        match text.parse() {
            Ok(tag) => self.tags.push(tag),
            Err(_) => {
                self.invalid += 1;
                self.first_invalid
                    .get_or_insert_with(|| printable(text, INVALID_LENGTH));
            }
        }
    }
}

impl Repository {
    /// All tags, in the registry's order, `None` where the repository does
    /// not exist.
    ///
    /// Pages are followed by `Link` and, where a registry sends full pages
    /// without one, by `last`.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; [`Error::Protocol`] for a list without end.
    pub async fn tags(&self) -> Result<Option<TagList>, Error> {
        let mut request = self.request(Method::GET, &Endpoint::Tags, &[200, 400, 404])?;
        request.limit = TAGS_LIMIT;
        let bare = request.url.clone();
        request.url = with(&bare, "n", &PAGE.to_string());
        let first = request.url.clone();
        let mut tags = TagList::default();
        let mut last: Option<String> = None;
        for _ in 0..PAGES {
            let response = self.host.send(&request).await?;
            match response.status.as_u16() {
                200 => {}
                404 => return Ok(None),
                // distribution 3 refuses pages larger than its `maxtags`.
                _ if request.url == first && first != bare => {
                    request.url = bare.clone();
                    continue;
                }
                _ => return Err(response.status_error()),
            }
            let page: Page = serde_json::from_slice(&response.body).map_err(|error| {
                response.protocol_error(format!(
                    "the tag list is not in the specification's form ({error})"
                ))
            })?;
            self.host.capabilities.tags_listed();
            let page = page.tags.unwrap_or_default();
            // A registry that knows no `last` sends the same page again.
            if !page.is_empty() && page.last() == last.as_ref() {
                return Ok(Some(tags));
            }
            let length = page.len();
            page.iter().for_each(|text| tags.push(text));
            last = page.into_iter().next_back().or(last);
            match (next_list_page(&response, &request.url)?, &last) {
                (Some(next), _) if next != request.url => request.url = next,
                (None, Some(last)) if length == PAGE => request.url = with(&first, "last", last),
                _ => return Ok(Some(tags)),
            }
        }
        Err(Error::protocol(
            &Method::GET,
            &request.url,
            format!("the tag list has more than {PAGES} pages"),
        ))
    }
}

fn with(url: &Url, key: &str, value: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair(key, value);
    url
}
