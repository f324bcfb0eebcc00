//! What a run computes between its requests, for `benches/planning.rs`.

use registry_client::{Access, Client, Error, manifest_reference};

use crate::destination::{MountCandidates, SearchHint};
use crate::row::Row;
use crate::sync::split_by_destination;

/// The images that a registry has, of which none was read.
#[derive(Debug)]
pub struct Search {
    candidates: MountCandidates,
}

impl Search {
    /// Through the destinations of these rows.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn through(client: &Client, rows: &[Row]) -> Result<Self, Error> {
        let candidates = MountCandidates::default();
        for row in rows {
            let target = client.destination(&row.destination, Access::Push)?;
            let name = target.path().clone();
            let source = row.source.repository().into();
            let reference = manifest_reference(&row.destination)?;
            candidates.add(target, name, source, reference);
        }
        Ok(Self { candidates })
    }

    /// How many images would be read for a blob of a row, were it in none, if
    /// so many reads can be paid for beside those of its relatives.
    pub fn order(&self, row: &Row, payable: usize) -> usize {
        let Ok(repository) = row.destination.repository().parse() else {
            return 0;
        };
        let hint = SearchHint {
            repository: &repository,
            source: row.source.repository(),
            platform: None,
        };
        self.candidates.order(hint, payable)
    }
}

/// How many rows are the first to fill their destination.
pub fn first_rows(rows: &[Row]) -> usize {
    split_by_destination(rows).0.len()
}
