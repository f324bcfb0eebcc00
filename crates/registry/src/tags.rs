//! The tags of a repository.
//!
//! Source: distribution specification, "Listing Tags".

use http::Method;

use crate::error::Error;
use crate::paging::next_page;
use crate::repository::Repository;

/// Tags asked for at a time; registries that serve fewer say so with `Link`.
const PAGE: usize = 1000;
/// A repository of a million tags; a registry that pages without end stops here.
const PAGES: usize = 1000;

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
        let mut request = self.request(Method::GET, "tags/list", &[200, 404])?;
        request
            .url
            .query_pairs_mut()
            .append_pair("n", &PAGE.to_string());
        let first = request.url.clone();
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            let reply = self.host.send(&request).await?;
            if reply.status.as_u16() == 404 {
                return Ok(None);
            }
            let page: Page = serde_json::from_slice(&reply.body).map_err(|error| {
                reply.protocol_error(format!(
                    "the tag list is not in the specification's form ({error})"
                ))
            })?;
            let page = page.tags.unwrap_or_default();
            let length = page.len();
            let brought = page
                .last()
                .cloned()
                .filter(|last| tags.last() != Some(last));
            tags.extend(page);
            match (next_page(&reply)?, brought) {
                (Some(next), Some(_)) => request.url = next,
                (None, Some(last)) if length == PAGE => {
                    request.url = first.clone();
                    request.url.query_pairs_mut().append_pair("last", &last);
                }
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
