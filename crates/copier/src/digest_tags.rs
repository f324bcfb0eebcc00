//! Tags that are named after a digest: `sha256-<hex>`, the referrers tag schema, and
//! `sha256-<hex>.sig`, `.att`, `.sbom`, which cosign writes.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, DigestTagKind, Tag};
use registry_client::TagList;

/// The digest tags of a repository.
#[derive(Debug, Default)]
pub(crate) struct DigestTags {
    /// Those of a known kind.
    known: HashSet<Tag>,
    /// Those with another suffix, by the digest part of the tag.
    unknown: HashMap<String, UnknownTags>,
    /// What the list has that are not tags.
    warning: Option<String>,
    /// The registry said that the repository has no list (404).
    denied: bool,
}

/// Tags about one digest that are of no known kind.
#[derive(Debug)]
struct UnknownTags {
    first: Tag,
    count: usize,
}

impl DigestTags {
    /// Picks the digest tags from a repository's tags; all others are let go,
    /// since a repository may have a hundred thousand.
    pub(crate) fn among(list: TagList) -> Self {
        let mut found = Self {
            warning: list.warning(),
            ..Self::default()
        };
        for tag in list.tags {
            let Some(part) = tag.digest_part() else {
                continue;
            };
            if is_known(&tag, part) {
                found.known.insert(tag);
                continue;
            }
            match found.unknown.get_mut(part) {
                Some(unknown) => unknown.count += 1,
                None => {
                    let (part, first) = (part.to_owned(), tag);
                    found.unknown.insert(part, UnknownTags { first, count: 1 });
                }
            }
        }
        found
    }

    /// Of a repository that has no list of tags.
    pub(crate) fn denied() -> Self {
        Self {
            denied: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_denied(&self) -> bool {
        self.denied
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns a warning where the list has entries that are not tags.
    pub(crate) fn warning(&self) -> Option<&String> {
        self.warning.as_ref()
    }

    /// Returns cosign's tags about this digest, at most one of each kind.
    pub(crate) fn of_cosign(&self, subject: &Digest) -> impl Iterator<Item = Tag> {
        let tags = DigestTagKind::COSIGN.map(|kind| subject.tag(kind));
        tags.into_iter().filter(|tag| self.known.contains(tag))
    }

    /// Whether the referrers of this digest are listed by the tag schema.
    pub(crate) fn has_schema_tag(&self, subject: &Digest) -> bool {
        self.known.contains(&subject.tag(DigestTagKind::Referrers))
    }

    /// Returns a warning where tags about this digest are of no known kind.
    pub(crate) fn unknown_warning(&self, subject: &Digest) -> Option<String> {
        let part = subject.tag(DigestTagKind::Referrers);
        let UnknownTags { first, count } = self.unknown.get(part.as_str())?;
        Some(format!(
            "tags about {subject} with a suffix other than .sig, .att and .sbom are not copied: {count}, the first is {first}"
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
    fn digest_tags_are_found_by_their_subject() {
        let hex = "a".repeat(64);
        let suffixed = |suffix: &str| format!("sha256-{hex}{suffix}").parse::<Tag>().unwrap();
        let mut tags: Vec<Tag> = ["v1", "sha256-abc", "latest"]
            .map(|text| text.parse().unwrap())
            .into();
        tags.extend(["", ".sig", ".a", ".b", "x"].map(suffixed));
        let found = DigestTags::among(TagList {
            tags,
            ..TagList::default()
        });
        let subject: Digest = format!("sha256:{hex}").parse().unwrap();
        let of_cosign: Vec<_> = found.of_cosign(&subject).collect();
        assert_eq!(of_cosign, [suffixed(".sig")]);
        assert!(found.has_schema_tag(&subject));
        let warning = found.unknown_warning(&subject).unwrap();
        assert!(
            warning.ends_with(&format!("2, the first is sha256-{hex}.a")),
            "{warning}"
        );
        let other: Digest = format!("sha256:{}", "b".repeat(64)).parse().unwrap();
        assert_eq!(found.of_cosign(&other).count(), 0);
        assert!(!found.has_schema_tag(&other));
        assert_eq!(found.unknown_warning(&other), None);
    }
}
