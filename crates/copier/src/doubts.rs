//! Answers of a source that say that it lists nothing, and may be wrong.
//!
//! A tag list that is missing (404) and a registry without the referrers API are nothing unusual: then
//! there are no signatures to be found that way. But of a host that lists others' such an answer loses
//! the signatures of the image. What a host can do is learnt while the rows run, so the doubts are
//! settled when all are done.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use oci_spec::distribution::Reference;
use registry_client::{Repository, Support};

use crate::row::Row;

/// What a source has not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Denied {
    /// 404 for the tags of a repository.
    Tags,
    /// The referrers of an image, or of something within it.
    Referrers,
}

/// The doubts of a run, by the source and the destination of their row.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashMap<(Reference, Reference), Vec<Doubt>>>);

#[derive(Debug)]
struct Doubt {
    source: Repository,
    denied: Denied,
}

impl Doubts {
    /// Keeps those of one row. A repository that only digests lead to may have no tag, and some
    /// registries have no list for it: of a row by digest, a missing one says nothing.
    pub(crate) fn add(&self, row: &Row, source: &Repository, denied: BTreeSet<Denied>) {
        let by_digest = row.source.digest().is_some();
        let doubts: Vec<Doubt> = denied
            .into_iter()
            .filter(|denied| *denied != Denied::Tags || !by_digest)
            .map(|denied| Doubt {
                source: source.clone(),
                denied,
            })
            .collect();
        if !doubts.is_empty() {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(key(row), doubts);
        }
    }

    /// Warnings of a row, where by now its source has shown that it could have answered.
    pub(crate) fn of(&self, row: &Row) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let doubts = all.get(&key(row)).into_iter().flatten();
        doubts.filter_map(Doubt::warning).collect()
    }
}

fn key(row: &Row) -> (Reference, Reference) {
    (row.source.clone(), row.destination.clone())
}

impl Doubt {
    fn warning(&self) -> Option<String> {
        let Self { source, denied } = self;
        let host = source.host_name();
        let (known, what) = match denied {
            Denied::Tags => (
                source.host_lists_tags(),
                format!(
                    "{source} has no list of tags (404), though {host} lists the tags of others"
                ),
            ),
            Denied::Referrers => (
                source.referrers_support() == Support::Yes,
                format!("{source} has no list of referrers, though {host} lists those of others"),
            ),
        };
        let then = "signatures and other referrers may be missing; run it again, and if this stays, \
                    ask whoever runs the registry why this repository is not listed";
        known.then(|| format!("{what}: {then}"))
    }
}
