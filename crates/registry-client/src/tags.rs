//! The tags of a repository.
//!
//! Source: distribution specification, "Listing Tags".

use http::{Method, StatusCode};
use image_name::Tag;
use url::Url;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::exact_keys::ExactKeys;
use crate::paging::next_list_page;
use crate::redact::printable;
use crate::repository::Repository;
use crate::served::{Availability, READ};

/// The requested number of tags per page. Registries that serve fewer send a `Link`.
const PAGE_SIZE: usize = 1000;
/// The maximum number of pages, for a million tags.
const MAX_PAGES: usize = 1000;

/// The largest page in bytes. Google's registries send all tags in one page, with their manifests.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// The maximum length of an invalid entry in the warning, in characters.
const MAX_INVALID: usize = 100;

#[derive(serde::Deserialize)]
struct Page {
    /// distribution sends `null` for a repository without tags.
    tags: Option<Vec<String>>,
}

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList {
    /// The tags, in the registry's order.
    pub tags: Vec<Tag>,
    /// The number of invalid entries, which are left out.
    pub invalid: usize,
    /// The first invalid entry, shortened and without control characters.
    pub first_invalid: Option<String>,
}

impl TagList {
    /// Returns a warning if entries were left out.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let first = self.first_invalid.as_ref()?;
        let count = self.invalid;
        Some(format!(
            "left out {count} invalid entries of the tag list; the first is {first:?}"
        ))
    }

    fn push(&mut self, text: &str) {
        match text.parse() {
            Ok(tag) => self.tags.push(tag),
            Err(_) => {
                self.invalid += 1;
                self.first_invalid
                    .get_or_insert_with(|| printable(text, MAX_INVALID));
            }
        }
    }
}

impl Repository {
    /// Returns all tags in the registry's order, or `None` if the repository does not exist.
    ///
    /// Pages are followed by `Link`, or by `last` after a full page without a `Link`.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; one for which [`Error::is_not_served`] returns true if the registry does not list
    /// tags, or not to this client; [`Error::Protocol`] for too many pages.
    pub async fn tags(&self) -> Result<Option<TagList>, Error> {
        let mut request = self.request(Method::GET, &Endpoint::Tags, READ)?;
        request.limit = MAX_BODY;
        let unsized_url = request.url.clone();
        request.url = with_parameter(&unsized_url, "n", &PAGE_SIZE.to_string());
        let first = request.url.clone();
        let mut tags = TagList::default();
        let mut last: Option<String> = None;
        let mut budget = self.host.list_budget();
        for _ in 0..MAX_PAGES {
            let response = self.host.send_page(&request, &mut budget).await?;
            let status = response.status;
            match Availability::of(&response) {
                Availability::Available => {}
                Availability::Missing => return Ok(None),
                // distribution 3 refuses page sizes above its `maxtags`.
                Availability::NotServed
                    if status == StatusCode::BAD_REQUEST && request.url == first =>
                {
                    request.url = unsized_url.clone();
                    continue;
                }
                Availability::NotServed => return Err(response.status_error()),
            }
            let page = serde_json::from_slice::<ExactKeys<Page>>(&response.body);
            let ExactKeys(page) = page.map_err(|error| {
                response.protocol_error(format!("the tag list is invalid: {error}"))
            })?;
            self.host.capabilities.tags_listed();
            let page = page.tags.unwrap_or_default();
            // A registry that ignores `last` sends the same page again.
            if !page.is_empty() && page.last() == last.as_ref() {
                return Ok(Some(tags));
            }
            let length = page.len();
            page.iter().for_each(|text| tags.push(text));
            last = page.into_iter().next_back().or(last);
            match (next_list_page(&response, &request.url)?, &last) {
                (Some(next), _) if next != request.url => request.url = next,
                (None, Some(last)) if length == PAGE_SIZE => {
                    request.url = with_parameter(&first, "last", last);
                }
                _ => return Ok(Some(tags)),
            }
        }
        Err(Error::protocol(
            &Method::GET,
            &request.url,
            format!("the tag list has more than {MAX_PAGES} pages"),
        ))
    }
}

fn with_parameter(url: &Url, key: &str, value: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair(key, value);
    url
}
