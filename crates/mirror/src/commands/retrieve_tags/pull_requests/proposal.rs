//! The proposal of one entry.

use std::collections::{BTreeMap, BTreeSet};

use images_list::Row;
use tag_retrieval::Origin;

use crate::terminal::markdown::truncate;

/// Maximum characters of a title at GitHub.
const LONGEST_TITLE: usize = 256;

/// The proposal of one entry.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// The entry's key in the configuration.
    pub(crate) entry: String,
    /// The kind of the entry's versions.
    pub(crate) kind: Kind,
    /// The rows to add; at least one.
    pub(crate) pairs: Vec<ProposedPair>,
    /// The images that were found and cannot be added.
    pub(crate) skipped: Vec<SkippedImage>,
    /// The users and teams (`ORGANIZATION/TEAM`) that are asked for a review.
    pub(crate) reviewers: Vec<String>,
    /// The labels besides the one of all proposals.
    pub(crate) labels: Vec<String>,
    /// The files that change, by their path in the repository.
    pub(crate) edited: BTreeMap<String, Edit>,
}

/// The kind of versions that an entry's source announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Versions, which are tags of the entry's images.
    Versions,
    /// Images with their tags.
    Images,
}

/// A row to add and where its version was found.
#[derive(Debug, Clone)]
pub(crate) struct ProposedPair {
    /// The row.
    pub(crate) row: Row,
    /// The origin of the version.
    pub(crate) origin: Origin,
    /// The signer in words, where a policy requires one.
    pub(crate) signer: Option<String>,
}

/// An image that was found and cannot be added.
#[derive(Debug, Clone)]
pub(crate) struct SkippedImage {
    /// The repository as found.
    pub(crate) image: String,
    /// The tag as found.
    pub(crate) tag: String,
    /// The reason.
    pub(crate) reason: String,
}

/// A file before and after.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    /// The text before the edit; `None` for a new file. The base branch must have the same text,
    /// otherwise the edit would revert a later change.
    pub(crate) before: Option<String>,
    /// The whole new text.
    pub(crate) after: String,
}

impl Proposal {
    /// Returns the title of the pull request.
    pub(crate) fn title(&self) -> String {
        let rows = || self.pairs.iter().map(|pair| &pair.row);
        let source = |row: &Row| row.source.as_written().to_owned();
        let tag = |row: &Row| row.tag.to_string();
        let title = match self.kind {
            Kind::Versions => {
                let (tags, images) = (listed(rows().map(tag)), listed(rows().map(source)));
                format!("Added tag(s) {tags} for image(s) {images}")
            }
            Kind::Images => {
                let images = rows().map(|row| format!("{}:{}", source(row), tag(row)));
                format!("Added image(s) {}", listed(images))
            }
        };
        truncate(&title, LONGEST_TITLE)
    }
}

/// Joins names with commas, sorted bytewise and without duplicates.
fn listed(names: impl Iterator<Item = String>) -> String {
    let names: BTreeSet<_> = names.collect();
    names.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::retrieve_tags::pull_requests::propose::samples::{pair, proposal};

    #[test]
    fn title_lists_tags_and_images() {
        let pairs = vec![
            pair("b/two m/two v1"),
            pair("a/one m/one v2"),
            pair("a/one m/one v1"),
        ];
        let mut proposal = proposal("x", pairs);
        assert_eq!(
            proposal.title(),
            "Added tag(s) v1,v2 for image(s) a/one,b/two"
        );
        proposal.kind = Kind::Images;
        assert_eq!(
            proposal.title(),
            "Added image(s) a/one:v1,a/one:v2,b/two:v1"
        );
    }

    #[test]
    fn title_is_cut_to_the_limit() {
        for (length, want) in [(255, 255), (256, 256), (257, 256), (900, 256)] {
            let cut = truncate(&"é".repeat(length), LONGEST_TITLE);
            assert_eq!(cut.chars().count(), want, "{length}");
        }
    }
}
