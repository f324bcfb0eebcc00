//! A tag list and its statistics.

use image_name::Tag;

use crate::redact::printable;

/// The maximum length of an invalid entry in the warning, in characters.
const MAX_INVALID: usize = 100;

/// The tags of a repository, in the form in which the caller keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList<T = Vec<Tag>> {
    /// The tags, in the registry's order unless the caller keeps another form.
    pub tags: T,
    /// The statistics of the list.
    pub listing: Listing,
}

/// The statistics of a tag list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The number of valid tags, including those that the caller has not kept.
    pub listed: usize,
    /// The number of invalid entries, which are left out.
    pub invalid: usize,
    /// The first invalid entry, shortened and without control characters.
    pub first_invalid: Option<String>,
    /// True if the registry sends a page again instead of the next one, so tags may be missing.
    pub is_incomplete: bool,
}

impl Listing {
    /// Returns a warning for each reason why tags may be missing from the list.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let invalid = self.first_invalid.as_ref().map(|first| {
            let count = self.invalid;
            format!("left out {count} invalid entries of the tag list; the first is {first:?}")
        });
        let incomplete = self.is_incomplete.then(|| {
            let count = self.listed;
            format!(
                "the tag list may be incomplete: after {count} tags, the registry sends the same page again"
            )
        });
        invalid.into_iter().chain(incomplete).collect()
    }
}

impl<T> TagList<T> {
    pub(super) fn new(tags: T) -> Self {
        Self {
            tags,
            listing: Listing::default(),
        }
    }

    /// Marks the list as incomplete.
    pub(super) fn incomplete(mut self) -> Self {
        self.listing.is_incomplete = true;
        self
    }

    /// Adds one entry of the list.
    pub(super) fn add(&mut self, text: &str, keep: impl FnOnce(&mut T, Tag)) {
        match text.parse() {
            Ok(tag) => {
                self.listing.listed += 1;
                keep(&mut self.tags, tag);
            }
            Err(_) => {
                self.listing.invalid += 1;
                let first = &mut self.listing.first_invalid;
                first.get_or_insert_with(|| printable(text, MAX_INVALID));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_name_invalid_entries_and_repeated_pages() {
        let mut list = TagList::new(Vec::new());
        assert_eq!(list.listing.warnings(), [""; 0]);
        for text in ["v1", "/../x", "a\u{1b}b"] {
            list.add(text, Vec::push);
        }
        let list = list.incomplete();
        let warnings = list.listing.warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].contains("2 invalid entries"), "{warnings:?}");
        assert!(warnings[0].contains("\"/../x\""), "{warnings:?}");
        assert!(warnings[1].contains("after 1 tags"), "{warnings:?}");
    }
}
