//! Answers of a source that say that it lists nothing, and may be wrong.
//!
//! A tag list that is missing (404) and a registry without the referrers API are nothing unusual: then
//! there are no signatures to be found that way. But of a host that lists others' such an answer loses
//! the signatures of the image. What a host can do is learnt while the rows run, so the listing_gaps are
//! settled when all are done.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use oci_spec::distribution::Reference;
use registry_client::{Repository, Support};

use crate::row::Row;

/// What a source has not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ListingGap {
    /// 404 for the tags of a repository.
    Tags,
    /// The referrers of an image, or of something within it.
    Referrers,
}

/// The listing_gaps of a run, by the source and the destination of their row.
#[derive(Debug, Default)]
pub(crate) struct ListingGaps(Mutex<HashMap<(Reference, Reference), Vec<SourceGap>>>);

#[derive(Debug)]
struct SourceGap {
    source: Repository,
    denied: ListingGap,
}

impl ListingGaps {
    /// Keeps those of one row. A repository that only digests lead to may have no tag, and some
    /// registries have no list for it: of a row by digest, a missing one says nothing.
    pub(crate) fn add(&self, row: &Row, source: &Repository, denied: BTreeSet<ListingGap>) {
        let by_digest = row.source.digest().is_some();
        let listing_gaps: Vec<SourceGap> = denied
            .into_iter()
            .filter(|denied| *denied != ListingGap::Tags || !by_digest)
            .map(|denied| SourceGap {
                source: source.clone(),
                denied,
            })
            .collect();
        if !listing_gaps.is_empty() {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key(row), listing_gaps);
        }
    }

    /// Warnings of a row, where by now its source has shown that it could have answered.
    pub(crate) fn of(&self, row: &Row) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listing_gaps = all.get(&key(row)).into_iter().flatten();
        listing_gaps.filter_map(SourceGap::warning).collect()
    }
}

fn key(row: &Row) -> (Reference, Reference) {
    (row.source.clone(), row.destination.clone())
}

impl SourceGap {
    fn warning(&self) -> Option<String> {
        let Self { source, denied } = self;
        let host = source.host_name();
        let (known, what) = match denied {
            ListingGap::Tags => (
                source.host_lists_tags(),
                format!(
                    "{source} has no list of tags (404), though {host} lists the tags of others"
                ),
            ),
            ListingGap::Referrers => (
                source.referrers_support() == Support::Yes,
                format!("{source} has no list of referrers, though {host} lists those of others"),
            ),
        };
        let then = "signatures and other referrers may be missing; run it again, and if this stays, \
                    ask whoever runs the registry why this repository is not listed";
        known.then(|| format!("{what}: {then}"))
    }
}
