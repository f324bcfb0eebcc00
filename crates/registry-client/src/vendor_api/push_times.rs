//! Push times of tags.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use super::existence::is_refusal;
use super::repository::VendorRepository;
use super::tag_page::TagPage;
use crate::error::Error;
use crate::transport::ListBudget;

/// Maximum number of tags that are requested one by one, where the API does not list them to anonymous
/// clients.
pub const MAX_SINGLE_TAG_REQUESTS: usize = 64;

/// Fifty thousand tags. It ends a list whose pages never end.
const MAX_PAGES: usize = 500;

impl VendorRepository {
    /// Returns the last push time of each of `tags` that the API knows, or `None` if the response is not
    /// from that API or is refused to anonymous clients.
    ///
    /// Paging ends once all tags are known. Since August 2026 Docker Hub lists only the thousand most
    /// recently pushed tags to anonymous clients. The first [`MAX_SINGLE_TAG_REQUESTS`] of the others, in
    /// the given order, are requested one by one.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire, [`Error::Protocol`] for a list that does not end.
    pub async fn push_times(
        &self,
        tags: &[String],
    ) -> Result<Option<HashMap<String, DateTime<Utc>>>, Error> {
        let mut missing: HashSet<&str> = tags.iter().map(String::as_str).collect();
        let mut times = HashMap::new();
        let (list, mut query) = self.api.first_page();
        let mut budget = self.host_api.list_budget();
        for number in 0..MAX_PAGES {
            if missing.is_empty() {
                return Ok(Some(times));
            }
            let page = match self.page(list, &query, &mut budget).await? {
                Some(page) => page,
                None if number == 0 => return Ok(None),
                None => {
                    let missing = tags.iter().filter(|tag| missing.contains(tag.as_str()));
                    times.extend(
                        self.request_each(missing.take(MAX_SINGLE_TAG_REQUESTS))
                            .await?,
                    );
                    return Ok(Some(times));
                }
            };
            for (tag, pushed) in page.tags {
                if missing.remove(tag.as_str()) {
                    times.extend(pushed.map(|pushed| (tag, pushed)));
                }
            }
            match page.next {
                Some(next) if next != query => query = next,
                _ => return Ok(Some(times)),
            }
        }
        let what = format!("the list of tags has more than {MAX_PAGES} pages");
        Err(self.host_api.protocol_error(&self.target, what))
    }

    /// Returns a page, or `None` if it is refused or is not a page of the API.
    async fn page(
        &self,
        list: &str,
        query: &str,
        budget: &mut ListBudget,
    ) -> Result<Option<TagPage>, Error> {
        let target = format!("{}{list}?{query}", self.target);
        match self.host_api.get_page(&target, budget).await {
            Ok(response) => Ok(self.api.read_page(&response.body)),
            Err(error) if is_refusal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn request_each(
        &self,
        tags: impl Iterator<Item = &String>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, Error> {
        let requests = tags.filter_map(|tag| Some((tag, self.api.single(tag)?)));
        let times = requests.map(|(tag, single)| async move {
            let target = format!("{}{single}", self.target);
            match self.host_api.get_with_status(&target, &[200]).await {
                Ok(response) => {
                    let pushed = self.api.read_single(&response.body);
                    Ok(pushed.map(|pushed| (tag.clone(), pushed)))
                }
                Err(error) if is_refusal(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        Ok(try_join_all(times).await?.into_iter().flatten().collect())
    }
}
