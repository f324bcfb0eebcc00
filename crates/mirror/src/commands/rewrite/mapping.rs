//! The mappings of the rows: from the repository that consumers name to its repositories at the mirror.

use std::collections::{BTreeMap, BTreeSet};

use image_name::{Digest, ManifestReference, RepositoryName, full_repository};

use crate::cli::failure::Failure;
use crate::files::lock_file::LockFile;
use crate::rows::selection::{RunRow, Selection};

/// A repository and its repositories at the mirror, in the order of the rows.
#[derive(Debug)]
pub(super) struct Mapping {
    /// The repository that consumers name.
    pub(super) source: RepositoryName,
    /// The repositories at the mirror.
    pub(super) mirrors: Vec<MirrorRepository>,
}

/// A repository at the mirror.
#[derive(Debug)]
pub(super) struct MirrorRepository {
    /// The repository.
    pub(super) repository: RepositoryName,
    /// The tags at the mirror by the tags at the source.
    pub(super) tags: BTreeMap<String, BTreeSet<String>>,
    /// Digests that both sides have: of rows by digest, pins and the lock.
    pub(super) digests: BTreeSet<Digest>,
    /// The rows by digest, with the tags that they write.
    pub(super) digest_rows: BTreeMap<Digest, BTreeSet<String>>,
    /// The repository gets some platforms only, so that its indexes have digests of their own.
    pub(super) is_narrowed: bool,
}

/// A mapping that a format cannot express.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unmapped {
    /// The image or repository that consumers name.
    pub(super) source: String,
    /// The image or repository at the mirror.
    pub(super) destination: String,
    /// The reason, as a clause about the format.
    pub(super) reason: String,
}

/// Returns the mappings of the rows of a selection, in the order of their sources.
///
/// # Errors
///
/// [`Failure`] for a lock that cannot be read or is invalid.
pub(super) fn mappings(selection: &Selection) -> Result<Vec<Mapping>, Failure> {
    let locks = selection.lists.iter().map(LockFile::read);
    let locks: Vec<Option<LockFile>> = locks.collect::<Result<_, _>>()?;
    let mut mappings: BTreeMap<String, Mapping> = BTreeMap::new();
    for run in &selection.rows {
        let Some(listed) = &run.listed else { continue };
        let entry = mappings.entry(listed.row.source.full());
        let mapping = entry.or_insert_with(|| Mapping {
            source: listed.row.source.clone(),
            mirrors: Vec::new(),
        });
        let Some(mirror) = mapping.mirror(run) else {
            continue;
        };
        let tag = listed.row.tag.source();
        let written = run.row.destination.tag();
        let written = written.map(str::to_owned);
        match tag {
            ManifestReference::Tag(tag) => {
                let tags = mirror.tags.entry(tag.to_string()).or_default();
                tags.extend(written);
            }
            ManifestReference::Digest(digest) => {
                let tags = mirror.digest_rows.entry(digest.clone()).or_default();
                tags.extend(written);
            }
        }
        mirror
            .digests
            .extend(listed.row.tag.copied().digest().cloned());
        let lock = locks.get(listed.list).and_then(Option::as_ref);
        let locked = lock.and_then(|lock| lock.lock.get(&listed.row));
        mirror
            .digests
            .extend(locked.map(|locked| locked.digest().clone()));
    }
    Ok(mappings.into_values().collect())
}

impl Mapping {
    /// Returns the repository at the mirror that a row writes to.
    fn mirror(&mut self, run: &RunRow) -> Option<&mut MirrorRepository> {
        let repository: RepositoryName = full_repository(&run.row.destination).parse().ok()?;
        let found = self
            .mirrors
            .iter()
            .position(|mirror| mirror.repository == repository);
        let at = found.unwrap_or_else(|| {
            self.mirrors.push(MirrorRepository {
                repository,
                tags: BTreeMap::new(),
                digests: BTreeSet::new(),
                digest_rows: BTreeMap::new(),
                is_narrowed: false,
            });
            self.mirrors.len() - 1
        });
        let mirror = &mut self.mirrors[at];
        let target = run.target.as_ref();
        mirror.is_narrowed |= target.is_some_and(|target| target.platforms.is_some());
        Some(mirror)
    }

    /// Returns the one repository at the mirror, for formats without an order of several.
    ///
    /// # Errors
    ///
    /// [`Unmapped`] if there are several.
    pub(super) fn only_mirror(&self) -> Result<&MirrorRepository, Unmapped> {
        match &self.mirrors[..] {
            [mirror] => Ok(mirror),
            several => {
                let names = several.iter().map(|mirror| mirror.repository.full());
                Err(Unmapped {
                    source: self.source.full(),
                    destination: names.collect::<Vec<_>>().join(", "),
                    reason: "takes one repository: select it with --target".to_owned(),
                })
            }
        }
    }

    /// Returns an unmapped image: `tag` at the source, `written` at the mirror.
    pub(super) fn unmapped_tag(
        &self,
        mirror: &MirrorRepository,
        (tag, written): (&str, &str),
        reason: &str,
    ) -> Unmapped {
        Unmapped {
            source: format!("{}:{tag}", self.source.full()),
            destination: format!("{}:{written}", mirror.repository.full()),
            reason: reason.to_owned(),
        }
    }

    /// Returns an unmapped image by digest.
    pub(super) fn unmapped_digest(
        &self,
        mirror: &MirrorRepository,
        digest: &Digest,
        reason: &str,
    ) -> Unmapped {
        Unmapped {
            source: format!("{}@{digest}", self.source.full()),
            destination: format!("{}@{digest}", mirror.repository.full()),
            reason: reason.to_owned(),
        }
    }

    /// Returns an unmapped repository.
    pub(super) fn unmapped(&self, mirror: &MirrorRepository, reason: &str) -> Unmapped {
        Unmapped {
            source: self.source.full(),
            destination: mirror.repository.full(),
            reason: reason.to_owned(),
        }
    }
}

impl MirrorRepository {
    /// Returns true if the mirror has a tag under its own name.
    pub(super) fn keeps(&self, tag: &str) -> bool {
        self.tags
            .get(tag)
            .is_some_and(|written| written.contains(tag))
    }

    /// Returns true if no tag or digest of the repository is used under its own name.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.digests.is_empty() && !self.tags.keys().any(|tag| self.keeps(tag))
    }
}

/// `SOURCE -> DESTINATION`.
impl std::fmt::Display for Unmapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}", self.source, self.destination)
    }
}
