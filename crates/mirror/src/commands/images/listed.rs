//! The rows of the lists that cover an image.

use std::collections::{HashMap, HashSet};

use extraction::{NeededImage, TagOrDigest};
use image_name::{Digest, ManifestReference, RepositoryName};

use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;

/// The rows of all lists, by source and by destination.
#[derive(Debug, Default)]
pub(super) struct ListedImages {
    by_source: HashMap<(RepositoryName, ManifestReference), String>,
    by_destination: HashMap<(RepositoryName, ManifestReference), String>,
    /// The digests that rows pin or locks approve.
    by_digest: HashMap<(RepositoryName, Digest), String>,
    /// The sources of rows with such a digest.
    with_digest: HashSet<(RepositoryName, ManifestReference)>,
}

impl ListedImages {
    /// Reads the rows of lists and their locks.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a lock that cannot be read.
    pub(super) fn new(lists: &[ListFile]) -> Result<Self, Failure> {
        let mut listed = Self::default();
        for file in lists {
            let lock = LockFile::read(file)?;
            for at in file.list.rows() {
                let (row, location) = (at.row, file.location(at.line).to_string());
                let source = row.source.clone();
                let key = (source.clone(), row.tag.source().clone());
                listed
                    .by_source
                    .entry(key)
                    .or_insert_with(|| location.clone());
                let approved = lock.as_ref().and_then(|lock| lock.lock.get(row));
                let approved = approved.map(|approved| approved.digest().clone());
                for digest in row.tag.pin().cloned().into_iter().chain(approved) {
                    listed
                        .with_digest
                        .insert((source.clone(), row.tag.source().clone()));
                    let key = (source.clone(), digest);
                    listed
                        .by_digest
                        .entry(key)
                        .or_insert_with(|| location.clone());
                }
                let written = file.targets.expand(&row.destination).unwrap_or_default();
                for repository in written {
                    for tag in row.tag.destinations() {
                        let key = (repository.repository.clone(), tag.clone());
                        listed
                            .by_destination
                            .entry(key)
                            .or_insert_with(|| location.clone());
                    }
                }
            }
        }
        Ok(listed)
    }

    /// Returns true if a row has this source and tag.
    pub(super) fn has_source(&self, source: &RepositoryName, tag: &ManifestReference) -> bool {
        self.by_source.contains_key(&(source.clone(), tag.clone()))
    }

    /// Returns the location of a row that covers an image: a row with this source, or one that writes this
    /// image, which then is in the mirror already. `None` for text that no row can have.
    ///
    /// An image with a digest beside its tag is covered by a row with this digest. A row with the tag covers it
    /// too, unless its pin or the lock has another digest.
    pub(super) fn location(&self, image: &NeededImage) -> Option<&str> {
        let source: RepositoryName = image.repository.parse().ok()?;
        let (TagOrDigest::Tag(version) | TagOrDigest::Digest(version)) = &image.version;
        let key = (source, version.parse().ok()?);
        let digest = match &key.1 {
            ManifestReference::Digest(digest) => Some(digest.clone()),
            ManifestReference::Tag(_) => image.pin.as_deref().and_then(|pin| pin.parse().ok()),
        };
        let by_digest = digest.as_ref().and_then(|digest| {
            let by_row = (key.0.clone(), ManifestReference::Digest(digest.clone()));
            let row = self.by_source.get(&by_row);
            row.or_else(|| self.by_digest.get(&(key.0.clone(), digest.clone())))
        });
        let by_name = || {
            let has_other = image.pin.is_some() && self.with_digest.contains(&key);
            let by_source = self.by_source.get(&key).filter(|_| !has_other);
            by_source.or_else(|| self.by_destination.get(&key))
        };
        by_digest.or_else(by_name).map(String::as_str)
    }
}
