//! The digest tags that rows of a run may write.
//!
//! Several rows can have content under one digest tag of a destination: their images share a
//! manifest, or a hostile index names the manifest of another image as its child. So the content
//! of a row never replaces that of another row.

use std::collections::HashMap;
use std::sync::Mutex;

use image_name::{Digest, Tag, full_repository};
use registry_client::Repository;

use crate::lock::lock;
use crate::row::Row;

/// The digest tags of the destinations, and the rows that may overwrite them.
#[derive(Debug, Default)]
pub(crate) struct DigestTagWrites {
    /// The source repository whose rows may overwrite digest tags of a destination repository
    /// ([`Options::overwrite_signatures`](crate::Options::overwrite_signatures)). It is the first
    /// in the order of the rows, so that every run chooses the same.
    overwriting: HashMap<String, String>,
    /// The digest that a row has, or writes, under a digest tag.
    claims: Mutex<HashMap<(String, Tag), Digest>>,
}

impl DigestTagWrites {
    /// Lets the first source of each destination repository overwrite its digest tags.
    pub(crate) fn overwriting(rows: &[&Row]) -> Self {
        let mut overwriting = HashMap::new();
        for row in rows {
            let source = || full_repository(&row.source);
            let destination = full_repository(&row.destination);
            overwriting.entry(destination).or_insert_with(source);
        }
        Self {
            overwriting,
            claims: Mutex::default(),
        }
    }

    /// Returns true if the row may overwrite digest tags that no earlier run is known to have
    /// written.
    pub(crate) fn may_overwrite(&self, row: &Row) -> bool {
        let source = self.overwriting.get(&full_repository(&row.destination));
        source.is_some_and(|source| *source == full_repository(&row.source))
    }

    /// Claims a digest tag for a row.
    ///
    /// # Errors
    ///
    /// The digest that another row of the run has under the tag.
    pub(crate) fn claim(
        &self,
        destination: &Repository,
        tag: &Tag,
        digest: &Digest,
    ) -> Result<(), Digest> {
        let key = (destination.to_string(), tag.clone());
        let mut claims = lock(&self.claims);
        let claimed = claims.entry(key).or_insert_with(|| digest.clone());
        if claimed == digest {
            Ok(())
        } else {
            Err(claimed.clone())
        }
    }
}
