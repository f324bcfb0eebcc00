//! Tag lists that several parts of a run need.

use std::sync::Arc;

use once_map::OnceMap;

use super::tag_list::TagList;
use crate::error::Error;
use crate::repository::Repository;

/// The tag lists of a run, each read once.
///
/// A list is kept until this value is dropped, so a long run must not use it for tags that may change.
#[derive(Debug, Default)]
pub struct TagLists {
    /// By host and path; `None` for a repository that does not exist.
    lists: OnceMap<String, Option<Arc<TagList>>>,
}

impl TagLists {
    /// Returns all tags of a repository, read by the first call.
    ///
    /// # Errors
    ///
    /// As [`Repository::fold_tags`]. An error is not kept.
    pub async fn read(&self, repository: &Repository) -> Result<Option<Arc<TagList>>, Error> {
        let read = || async { Ok(repository.tags().await?.map(Arc::new)) };
        self.lists
            .get_or_try_init(repository.to_string(), read)
            .await
    }

    /// Returns the tags of a repository if they were read. No request is sent.
    #[must_use]
    pub fn known(&self, repository: &Repository) -> Option<Arc<TagList>> {
        self.lists.get(&repository.to_string()).flatten()
    }
}
