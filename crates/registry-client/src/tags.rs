//! The tags of a repository.
//!
//! Source: distribution specification, "Listing Tags".

use http::Method;
use url::Url;

use crate::error::Error;
use crate::paging::next_page;
use crate::repository::Repository;

/// Tags asked for at a time; registries that serve fewer say so with `Link`.
const PAGE: usize = 1000;
/// A repository of a million tags; a registry that pages without end stops here.
const PAGES: usize = 1000;

/// Google's registries send all tags in one page, with the manifests of each.
const TAGS_LIMIT: u64 = 64 * 1024 * 1024;

#[derive(serde::Deserialize)]
struct Page {
    /// `null` in distribution for a repository without tags.
    tags: Option<Vec<String>>,
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
    pub async fn tags(&self) -> Result<Option<Vec<String>>, Error> {
        let mut request = self.request(Method::GET, "tags/list", &[200, 400, 404])?;
        request.limit = TAGS_LIMIT;
        let bare = request.url.clone();
        request.url = with(&bare, "n", &PAGE.to_string());
        let first = request.url.clone();
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let reply = self.host.send(&request).await?;
            match reply.status.as_u16() {
                200 => {}
                404 => return Ok(None),
                // distribution 3 refuses pages larger than its `maxtags`.
                _ if request.url == first && first != bare => {
                    request.url = bare.clone();
                    continue;
                }
                _ => return Err(reply.refused()),
            }
            let page: Page = serde_json::from_slice(&reply.body).map_err(|error| {
                reply.protocol_error(format!(
                    "the tag list is not in the specification's form ({error})"
                ))
            })?;
            self.host.capabilities.tags_listed();
            let page = page.tags.unwrap_or_default();
            // A registry that knows no `last` sends the same page again.
            if !page.is_empty() && page.last() == tags.last() {
                return Ok(Some(tags));
            }
            let length = page.len();
            tags.extend(page);
            match (next_page(&reply)?, tags.last()) {
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
