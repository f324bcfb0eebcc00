//! When tags were pushed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use super::existence::is_refusal;
use super::repository::VendorRepository;
use super::tag_page::TagPage;
use crate::error::Error;

/// How many tags are asked for one by one, where the API does not let strangers
/// page to them.
pub const TAGS_ASKED_SINGLY: usize = 64;

/// Fifty thousand tags; an API that pages without end stops here.
const PAGES: usize = 500;

impl VendorRepository {
    /// When each of `tags` was last pushed, as far as the API says; `None` where
    /// whoever answered is no such API, or does not tell strangers.
    ///
    /// No page is asked for once all are known. Docker Hub has let strangers
    /// page to a thousand tags only (the most recently pushed) since August
    /// 2026: of those that are missing then, the first [`TAGS_ASKED_SINGLY`] in
    /// the order given are asked for one by one.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; [`Error::Protocol`] for a list without end.
    pub async fn push_times(
        &self,
        tags: &[String],
    ) -> Result<Option<HashMap<String, DateTime<Utc>>>, Error> {
        let mut missing: HashSet<&str> = tags.iter().map(String::as_str).collect();
        let mut times = HashMap::new();
        let (list, mut query) = self.api.first_page();
        for number in 0..PAGES {
            if missing.is_empty() {
                return Ok(Some(times));
            }
            let page = match self.page(list, &query).await? {
                Some(page) => page,
                None if number == 0 => return Ok(None),
                None => {
                    let missing = tags.iter().filter(|tag| missing.contains(tag.as_str()));
                    times.extend(self.singly(missing.take(TAGS_ASKED_SINGLY)).await?);
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
        let what = format!("the list of tags has more than {PAGES} pages");
        Err(self.site.protocol_error(&self.target, what))
    }

    /// A page, `None` where it is not shown or is none.
    async fn page(&self, list: &str, query: &str) -> Result<Option<TagPage>, Error> {
        let target = format!("{}{list}?{query}", self.target);
        match self.site.reply(&target, &[200]).await {
            Ok(reply) => Ok(self.api.read_page(&reply.body)),
            Err(error) if is_refusal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn singly(
        &self,
        tags: impl Iterator<Item = &String>,
    ) -> Result<Vec<(String, DateTime<Utc>)>, Error> {
        let asked = tags.filter_map(|tag| Some((tag, self.api.single(tag)?)));
        let told = asked.map(|(tag, single)| async move {
            let target = format!("{}{single}", self.target);
            match self.site.reply(&target, &[200]).await {
                Ok(reply) => {
                    let pushed = self.api.read_single(&reply.body);
                    Ok(pushed.map(|pushed| (tag.clone(), pushed)))
                }
                Err(error) if is_refusal(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        Ok(try_join_all(told).await?.into_iter().flatten().collect())
    }
}
