//! Lists that a source does not have, although its host has them for other repositories.
//!
//! A missing tag list (404) and a registry without the referrers API are usual: then the image
//! has no signatures to find that way. If the host lists other repositories, however, signatures
//! of the image may be missed. The abilities of a host are learned while the rows run, so the
//! warnings are made after the last row.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use oci_spec::distribution::Reference;
use registry_client::{Repository, Support};

use crate::lock::lock;
use crate::row::Row;

/// A list that a source does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListingGap {
    /// The tags of a repository (404).
    Tags,
    /// The referrers of an image, or of one of its manifests.
    Referrers,
}

/// The listing gaps of a run, by the source and the destination of the row.
#[derive(Debug, Default)]
pub(crate) struct ListingGaps(Mutex<HashMap<(Reference, Reference), RowGaps>>);

/// The listing gaps of one row.
#[derive(Debug)]
struct RowGaps {
    source: Repository,
    gaps: BTreeSet<ListingGap>,
}

impl ListingGaps {
    /// Adds the gaps of one row. The repository of a row by digest may have no tag, and some
    /// registries then have no tag list, so that gap is ignored.
    pub(crate) fn add(&self, row: &Row, source: &Repository, mut gaps: BTreeSet<ListingGap>) {
        if row.source.digest().is_some() {
            gaps.remove(&ListingGap::Tags);
        }
        if !gaps.is_empty() {
            let source = source.clone();
            lock(&self.0).insert(key(row), RowGaps { source, gaps });
        }
    }

    /// Returns a warning for each gap of a row whose host has such lists.
    pub(crate) fn warnings(&self, row: &Row) -> Vec<String> {
        let all = lock(&self.0);
        let Some(RowGaps { source, gaps }) = all.get(&key(row)) else {
            return Vec::new();
        };
        let warnings = gaps.iter().filter_map(|gap| gap.warning(source));
        warnings.collect()
    }
}

fn key(row: &Row) -> (Reference, Reference) {
    (row.source.clone(), row.destination.clone())
}

impl ListingGap {
    fn warning(self, source: &Repository) -> Option<String> {
        let host = source.host_name();
        let (host_lists, gap, lists) = match self {
            Self::Tags => (source.host_lists_tags(), "its tags (404)", "the tags"),
            Self::Referrers => (
                source.referrers_support() == Support::Yes,
                "referrers",
                "the referrers",
            ),
        };
        host_lists.then(|| {
            format!(
                "{source} does not list {gap}, although {host} lists {lists} of other repositories: \
                 signatures and other referrers may be missing; run again, and if the warning stays, \
                 ask the operators of {host} why the repository is not listed"
            )
        })
    }
}
