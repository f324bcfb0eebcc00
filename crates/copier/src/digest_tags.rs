//! Tags with the name of a digest: `sha256-<hex>` of the referrers tag schema, and
//! `sha256-<hex>.sig`, `.att` and `.sbom` of cosign.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use image_name::{Digest, DigestTagKind, Tag};
use registry_client::{MemoryReservation, TagList};

/// Maximum number of digests with tags of an unknown kind that are named in warnings.
const MAX_UNKNOWN: usize = 1_000;

/// Memory of a known digest tag in bytes: a hash, and the free slots of the set.
const SIZE_OF_KNOWN: usize = 24;
/// Memory of tags of an unknown kind about one digest in bytes.
const SIZE_OF_UNKNOWN: usize = 512;

/// The digest tags of a repository.
#[derive(Debug, Default)]
pub(crate) struct DigestTags {
    /// The hashes of tags of a known kind: a repository may have a million. A tag with the hash of another
    /// is requested in vain.
    known: HashSet<u64>,
    hasher: RandomState,
    /// Tags with another suffix, by the digest part of the tag.
    unknown: HashMap<String, UnknownTags>,
    /// The number of digests that are not in `unknown`, at most.
    further_unknown: usize,
    /// Warnings about the list: entries that are not tags, and tags that may be missing.
    warnings: Vec<String>,
    /// The repository has no tag list (404).
    not_listed: bool,
    /// The registry does not serve the whole list, so any digest tag may exist.
    may_exist: bool,
    /// The memory of the tags, until they are dropped.
    reservation: Option<MemoryReservation>,
}

/// Tags of an unknown kind about one digest.
#[derive(Debug)]
struct UnknownTags {
    first: Tag,
    count: usize,
}

impl DigestTags {
    /// Adds a tag of the list. Tags that are no digest tags are dropped.
    pub(crate) fn add(&mut self, tag: Tag) {
        let Some(part) = tag.digest_part() else {
            return;
        };
        if is_known(&tag, part) {
            self.known.insert(self.hasher.hash_one(&tag));
            return;
        }
        if let Some(unknown) = self.unknown.get_mut(part) {
            unknown.count += 1;
        } else if self.unknown.len() == MAX_UNKNOWN {
            self.further_unknown += 1;
        } else {
            let (part, first) = (part.to_owned(), tag);
            self.unknown.insert(part, UnknownTags { first, count: 1 });
        }
    }

    /// Returns the digest tags among all tags of a list.
    pub(crate) fn of_known(list: &TagList) -> TagList<Self> {
        let mut tags = Self::default();
        list.tags.iter().cloned().for_each(|tag| tags.add(tag));
        TagList {
            tags,
            listing: list.listing.clone(),
        }
    }

    /// Returns the memory of the tags in bytes.
    pub(crate) fn size(&self) -> usize {
        self.known.len() * SIZE_OF_KNOWN + self.unknown.len() * SIZE_OF_UNKNOWN
    }

    /// Keeps the memory that was taken for the tags.
    pub(crate) fn hold(&mut self, reservation: MemoryReservation) {
        self.reservation = Some(reservation);
    }

    /// Returns the digest tags of a list. If the list is incomplete, any other digest tag may exist.
    pub(crate) fn from_list(list: TagList<Self>) -> Self {
        let mut warnings = list.listing.warnings();
        if list.tags.further_unknown > 0 {
            let count = list.tags.further_unknown;
            warnings.push(format!(
                "{count} further tags about digests have suffixes other than .sig, .att and .sbom and are \
                 not copied"
            ));
        }
        Self {
            warnings,
            may_exist: list.listing.is_incomplete,
            ..list.tags
        }
    }

    /// Returns the digest tags of a repository without a tag list.
    pub(crate) fn not_listed() -> Self {
        Self {
            not_listed: true,
            ..Self::default()
        }
    }

    /// Returns the digest tags of a repository whose tag list is not served: each may exist.
    pub(crate) fn not_served() -> Self {
        Self {
            may_exist: true,
            ..Self::default()
        }
    }

    /// Returns true if a tag for which [`DigestTags::contains`] returns true may not exist.
    pub(crate) fn may_exist(&self) -> bool {
        self.may_exist
    }

    pub(crate) fn is_not_listed(&self) -> bool {
        self.not_listed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty() && !self.may_exist
    }

    /// Returns the warnings about the list.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns true if the repository has, or may have, a digest tag of a known kind.
    pub(crate) fn contains(&self, tag: &Tag) -> bool {
        self.may_exist || self.known.contains(&self.hasher.hash_one(tag))
    }

    /// Returns true if the tag schema lists referrers of a digest.
    pub(crate) fn has_schema_tag(&self, subject: &Digest) -> bool {
        self.contains(&subject.tag(DigestTagKind::Referrers))
    }

    /// Returns a warning about tags of an unknown kind.
    pub(crate) fn unknown_warning(&self, subject: &Digest) -> Option<String> {
        let part = subject.tag(DigestTagKind::Referrers);
        let UnknownTags { first, count } = self.unknown.get(part.as_str())?;
        Some(format!(
            "tags about {subject} with suffixes other than .sig, .att and .sbom are not copied: {count}, the first is {first}"
        ))
    }
}

fn is_known(tag: &Tag, part: &str) -> bool {
    let suffix = &tag.as_str()[part.len()..];
    matches!(suffix, "" | ".sig" | ".att" | ".sbom")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_tags_are_found_by_subject() {
        let hex = "a".repeat(64);
        let suffixed = |suffix: &str| format!("sha256-{hex}{suffix}").parse::<Tag>().unwrap();
        let mut found = DigestTags::default();
        for text in ["v1", "sha256-abc", "latest"] {
            found.add(text.parse().unwrap());
        }
        for suffix in ["", ".sig", ".a", ".b", "x"] {
            found.add(suffixed(suffix));
        }
        let subject: Digest = format!("sha256:{hex}").parse().unwrap();
        assert!(found.contains(&suffixed(".sig")));
        assert!(!found.contains(&suffixed(".a")));
        assert!(found.has_schema_tag(&subject));
        let warning = found.unknown_warning(&subject).unwrap();
        assert!(
            warning.ends_with(&format!("2, the first is sha256-{hex}.a")),
            "{warning}"
        );
        let other: Digest = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        assert!(!found.has_schema_tag(&other));
        assert_eq!(found.unknown_warning(&other), None);
    }
}
