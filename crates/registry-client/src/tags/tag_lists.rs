//! Tag lists that several parts of a run need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use once_map::OnceMap;

use super::tag_list::TagList;
use crate::error::Error;
use crate::repository::Repository;

/// The tag lists of a run, each read once.
///
/// A list is kept until this value is dropped, so a long run must not use it for tags that may change.
/// Lists beyond a total number of tags are not kept, and are read again.
#[derive(Debug, Default)]
pub struct TagLists {
    /// By host and path; `None` for a repository that does not exist.
    lists: OnceMap<String, Option<Arc<TagList>>>,
    /// The number of tags in all lists.
    kept: AtomicUsize,
}

/// The maximum number of tags that are kept: about 10 MiB for tags of usual length.
const MAX_KEPT_TAGS: usize = 200_000;

impl TagLists {
    /// Returns all tags of a repository, read by the first call.
    ///
    /// # Errors
    ///
    /// As [`Repository::fold_tags`]. An error is not kept.
    pub async fn read(&self, repository: &Repository) -> Result<Option<Arc<TagList>>, Error> {
        // The map keeps no errors, so a list that must not be kept is returned as one.
        let read = || async {
            let list = repository.tags().await.map_err(Err)?.map(Arc::new);
            let tags = list.as_ref().map_or(0, |list| list.tags.len());
            match self.may_keep(tags) {
                true => Ok(list),
                false => Err(Ok(list)),
            }
        };
        let lists = &self.lists;
        let list = lists.get_or_try_init(repository.to_string(), read).await;
        list.or_else(|not_kept| not_kept)
    }

    fn may_keep(&self, tags: usize) -> bool {
        let add = |kept: usize| Some(kept + tags).filter(|kept| *kept <= MAX_KEPT_TAGS);
        let added = self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        added.is_ok()
    }

    /// Returns the tags of a repository if they were read. No request is sent.
    #[must_use]
    pub fn known(&self, repository: &Repository) -> Option<Arc<TagList>> {
        self.lists.get(&repository.to_string()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_beyond_the_maximum_are_not_kept() {
        let lists = TagLists::default();
        for (tags, expected) in [(0, true), (MAX_KEPT_TAGS, true), (1, false), (0, true)] {
            assert_eq!(lists.may_keep(tags), expected, "{tags}");
        }
    }
}
