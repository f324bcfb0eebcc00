//! Computations of a run between its requests, for `benches/planning.rs`.

use registry_client::{Access, Client, Error, manifest_reference};

use crate::destination::{MountCandidates, SearchHint};
use crate::row::Row;
use crate::sync::RowOrder;

/// The images of a registry, of which none is read yet.
#[derive(Debug)]
pub struct Search {
    client: Client,
    candidates: MountCandidates,
}

impl Search {
    /// Creates a search through the destinations of the rows.
    ///
    /// # Errors
    ///
    /// A name is invalid.
    pub fn through(client: &Client, rows: &[Row]) -> Result<Self, Error> {
        let candidates = MountCandidates::default();
        for row in rows {
            let destination = client.destination(&row.destination, Access::Push)?;
            let source = client.sources(&row.source)?;
            let reference = manifest_reference(&row.destination)?;
            candidates.add(destination, source, reference);
        }
        Ok(Self {
            client: client.clone(),
            candidates,
        })
    }

    /// Returns the number of images that a search for a new blob of the row reads, with a budget
    /// for images that are no relatives.
    pub fn length(&self, row: &Row, budget: usize) -> usize {
        let repository = row.destination.repository().parse();
        let source = self.client.sources(&row.source).unwrap_or_default();
        let (Ok(repository), [source, ..]) = (repository, &source[..]) else {
            return 0;
        };
        let hint = SearchHint {
            repository: &repository,
            source,
            platform: None,
        };
        self.candidates.search_length(hint, budget)
    }
}

/// Returns the number of rows that are the first of their destination.
pub fn first_rows(rows: &[Row]) -> usize {
    let rows: Vec<_> = rows.iter().collect();
    RowOrder::new(&rows).first.len()
}
