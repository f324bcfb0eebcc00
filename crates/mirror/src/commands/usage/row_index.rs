//! The rows of the lists, found by the names under which clusters use them.

use std::collections::{BTreeSet, HashMap};

use copier::Platform;
use image_name::{Digest, ImageName, full_repository, tag_or_digest};

use crate::cli::failure::Failure;
use crate::files::lock_file::LockFile;
use crate::rows::selection::{RunRow, Selection};

/// A tag that a row writes, with its approval.
#[derive(Debug)]
pub(super) struct KnownRow {
    /// The row.
    pub(super) run: RunRow,
    /// The digest of the pin, of the lock, or of a row by digest.
    pub(super) approved: Option<Digest>,
    /// The platforms that the target gets; `None` for all.
    pub(super) platforms: Option<Vec<Platform>>,
}

/// The rows by their names.
#[derive(Debug, Default)]
pub(super) struct RowIndex {
    /// The rows.
    pub(super) rows: Vec<KnownRow>,
    destinations: Side,
    sources: Side,
}

/// The repositories of one side of the rows.
#[derive(Debug, Default)]
struct Side {
    by_name: HashMap<(String, String), Vec<usize>>,
    by_repository: HashMap<String, Vec<usize>>,
}

/// The rows for an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// The rows with the repository and the tag or digest of the image.
    pub(super) rows: Vec<usize>,
    /// Every row with the repository.
    pub(super) of_repository: Vec<usize>,
}

impl RowIndex {
    /// Creates the index of the rows of a selection and reads their locks.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a lock that cannot be read or is invalid.
    pub(super) fn new(selection: Selection) -> Result<Self, Failure> {
        let locks = selection.lists.iter().map(LockFile::read);
        let locks: Vec<Option<LockFile>> = locks.collect::<Result<_, _>>()?;
        let mut index = Self::default();
        for run in selection.rows {
            let listed = run.listed.as_ref();
            let locked = listed.and_then(|listed| {
                let lock = locks.get(listed.list)?.as_ref()?;
                lock.lock.get(&listed.row)
            });
            let pin = listed.and_then(|listed| listed.row.tag.copied().digest().cloned());
            let approved = pin.or_else(|| locked.map(|locked| locked.digest().clone()));
            let names = run
                .target
                .as_ref()
                .and_then(|target| target.platforms.as_ref());
            // The platforms were checked when the targets file was read.
            let platforms = names.map(|names| {
                let parsed = names.iter().filter_map(|name| name.parse().ok());
                parsed.collect()
            });
            index.add(KnownRow {
                run,
                approved,
                platforms,
            });
        }
        Ok(index)
    }

    fn add(&mut self, row: KnownRow) {
        let at = self.rows.len();
        let (source, destination) = (&row.run.row.source, &row.run.row.destination);
        self.destinations
            .add(full_repository(destination), tag_or_digest(destination), at);
        self.sources
            .add(full_repository(source), tag_or_digest(source), at);
        if let Some(listed) = &row.run.listed {
            // The source of a pin is a digest; clusters name the tag.
            let tag = listed.row.tag.source().as_str();
            if tag != tag_or_digest(source) {
                self.sources.add(full_repository(source), tag, at);
            }
        }
        self.rows.push(row);
    }

    /// Returns the rows that write an image.
    pub(super) fn destinations(&self, image: &ImageName) -> Matches {
        self.matches(&self.destinations, image)
    }

    /// Returns the rows that copy an image.
    pub(super) fn sources(&self, image: &ImageName) -> Matches {
        self.matches(&self.sources, image)
    }

    fn matches(&self, side: &Side, image: &ImageName) -> Matches {
        let repository = image.repository.full();
        let Some(of_repository) = side.by_repository.get(&repository) else {
            return Matches::default();
        };
        let mut rows = BTreeSet::new();
        let tag = match (&image.tag, &image.digest) {
            (Some(tag), _) => Some(tag.as_str()),
            (None, None) => Some("latest"),
            (None, Some(digest)) => {
                let approves = |at: &&usize| self.rows[**at].approved.as_ref() == Some(digest);
                rows.extend(of_repository.iter().filter(approves));
                Some(digest.as_str())
            }
        };
        let key = tag.map(|tag| (repository, tag.to_owned()));
        rows.extend(
            key.and_then(|key| side.by_name.get(&key))
                .into_iter()
                .flatten(),
        );
        Matches {
            rows: rows.into_iter().collect(),
            of_repository: of_repository.clone(),
        }
    }
}

impl Side {
    fn add(&mut self, repository: String, tag: &str, at: usize) {
        let of_repository = self.by_repository.entry(repository.clone()).or_default();
        if of_repository.last() != Some(&at) {
            of_repository.push(at);
        }
        self.by_name
            .entry((repository, tag.to_owned()))
            .or_default()
            .push(at);
    }
}

impl KnownRow {
    /// Returns true if a platform of nodes is among those that the target gets.
    pub(super) fn gets(&self, needed: &str) -> bool {
        let Some(platforms) = &self.platforms else {
            return true;
        };
        platforms
            .iter()
            .any(|platform| covers(&platform.to_string(), needed))
    }

    /// Returns the digest that the destination has according to the list and its lock. An index that is
    /// narrowed to platforms has a new digest, which neither has.
    pub(super) fn expected(&self) -> Option<&Digest> {
        match self.platforms {
            None => self.approved.as_ref(),
            Some(_) => None,
        }
    }
}

/// Returns true if an image of a platform, such as `linux/arm64/v8`, runs on nodes of `OS/ARCHITECTURE`.
pub(super) fn covers(platform: &str, needed: &str) -> bool {
    let rest = platform.strip_prefix(needed);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_covers_nodes_of_its_architecture() {
        let table = [
            ("linux/arm64", "linux/arm64", true),
            ("linux/arm/v7", "linux/arm", true),
            ("windows/amd64:10.0.20348", "windows/amd64", true),
            ("linux/arm64", "linux/arm", false),
            ("linux/amd64", "windows/amd64", false),
        ];
        for (platform, needed, expected) in table {
            assert_eq!(covers(platform, needed), expected, "{platform} {needed}");
        }
    }
}
