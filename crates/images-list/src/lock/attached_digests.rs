//! The approved attached digests of a row.

use std::collections::BTreeMap;
use std::fmt;

use image_name::{AttachedDigest, Digest, DigestTagKind};

/// Maximum number of replaced digests of one digest tag that are kept.
const MAX_REPLACED: usize = 3;

/// The attached digests of a row: signatures, attestations, SBOMs and referrers of its image.
///
/// A manifest has any number of referrers, all of them approved, and at most one approved digest
/// of each other kind. The digests that were approved before it are *replaced*: the destination
/// may still have one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachedDigests {
    /// The digests of each digest tag. Of a kind with one approved digest it is the last.
    tags: BTreeMap<(Digest, DigestTagKind), Vec<Digest>>,
}

impl AttachedDigests {
    /// Adds an approved digest. One that the same digest tag had before is replaced.
    pub fn add(&mut self, added: AttachedDigest) {
        let digests = self.tags.entry((added.subject, added.kind)).or_default();
        digests.retain(|digest| *digest != added.digest);
        digests.push(added.digest);
        if added.kind == DigestTagKind::Referrers {
            digests.sort();
        } else if digests.len() > MAX_REPLACED + 1 {
            digests.remove(0);
        }
    }

    /// Adds the digests that the same digest tags had before, as replaced ones.
    pub(super) fn replace(&mut self, before: &Self) {
        for ((subject, kind), digests) in &mut self.tags {
            let key = (subject.clone(), *kind);
            let Some(old) = before.tags.get(&key) else {
                continue;
            };
            if *kind == DigestTagKind::Referrers {
                continue;
            }
            let kept = old.iter().filter(|digest| !digests.contains(digest));
            let mut all: Vec<Digest> = kept.cloned().collect();
            all.append(digests);
            let surplus = all.len().saturating_sub(MAX_REPLACED + 1);
            *digests = all.split_off(surplus);
        }
    }

    /// Returns true if an added digest would change nothing.
    #[must_use]
    pub fn has_approved(&self, attached: &AttachedDigest) -> bool {
        self.approved().any(|approved| approved == *attached)
    }

    /// Returns true if the digest is approved, or was before.
    #[must_use]
    pub fn contains(&self, attached: &AttachedDigest) -> bool {
        let key = (attached.subject.clone(), attached.kind);
        let digests = self.tags.get(&key);
        digests.is_some_and(|digests| digests.contains(&attached.digest))
    }

    /// Returns all digests in the order of the lock: replaced ones before the approved one.
    pub fn all(&self) -> impl Iterator<Item = AttachedDigest> {
        self.tags.iter().flat_map(|((subject, kind), digests)| {
            digests.iter().map(move |digest| AttachedDigest {
                subject: subject.clone(),
                kind: *kind,
                digest: digest.clone(),
            })
        })
    }

    /// Returns the approved digests.
    pub fn approved(&self) -> impl Iterator<Item = AttachedDigest> {
        self.all().filter(|attached| !self.is_replaced(attached))
    }

    /// Returns the digests that an approved one has replaced.
    pub fn replaced(&self) -> impl Iterator<Item = AttachedDigest> {
        self.all().filter(|attached| self.is_replaced(attached))
    }

    fn is_replaced(&self, attached: &AttachedDigest) -> bool {
        if attached.kind == DigestTagKind::Referrers {
            return false;
        }
        let digests = self.tags.get(&(attached.subject.clone(), attached.kind));
        digests.and_then(|digests| digests.last()) != Some(&attached.digest)
    }

    /// Returns the approved digest that the digest tag of `attached` has instead of it.
    #[must_use]
    pub fn approved_instead(&self, attached: &AttachedDigest) -> Option<Digest> {
        let mut approved = self.approved();
        let other = approved.find(|other| {
            other.subject == attached.subject
                && other.kind == attached.kind
                && other.kind != DigestTagKind::Referrers
                && other.digest != attached.digest
        });
        other.map(|other| other.digest)
    }
}

impl FromIterator<AttachedDigest> for AttachedDigests {
    fn from_iter<I: IntoIterator<Item = AttachedDigest>>(attached: I) -> Self {
        let mut all = Self::default();
        attached.into_iter().for_each(|attached| all.add(attached));
        all
    }
}

/// Writes a line `+ SUBJECT TAG DIGEST` for each digest.
impl fmt::Display for AttachedDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all().try_for_each(|line| writeln!(f, "+ {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        let hex = letter.to_string().repeat(64);
        format!("sha256:{hex}").parse().unwrap()
    }

    fn attached(kind: DigestTagKind, letter: char) -> AttachedDigest {
        AttachedDigest {
            subject: digest('0'),
            kind,
            digest: digest(letter),
        }
    }

    fn letters(found: impl Iterator<Item = AttachedDigest>) -> String {
        found
            .map(|found| found.digest.hex()[..1].to_owned())
            .collect()
    }

    #[test]
    fn one_signature_and_every_referrer_are_approved() {
        let mut all = AttachedDigests::default();
        for letter in "cab".chars() {
            all.add(attached(DigestTagKind::Referrers, letter));
            all.add(attached(DigestTagKind::Signature, letter));
        }
        assert_eq!(letters(all.approved()), "abcb");
        assert_eq!(letters(all.replaced()), "ca");
        let signature = |letter| attached(DigestTagKind::Signature, letter);
        assert!(all.has_approved(&signature('b')) && !all.has_approved(&signature('a')));
        assert!(all.contains(&signature('a')) && !all.contains(&signature('d')));
        assert_eq!(all.approved_instead(&signature('d')), Some(digest('b')));
        assert_eq!(all.approved_instead(&signature('b')), None);
        // The order of the lines decides, so reading them gives the same.
        assert_eq!(all.all().collect::<AttachedDigests>(), all);
        for letter in "def".chars() {
            all.add(signature(letter));
        }
        assert_eq!(letters(all.replaced()), "bde", "the oldest are dropped");
    }

    #[test]
    fn replacing_keeps_the_former_signatures_only() {
        let of = |letters: &str| -> AttachedDigests {
            let each = letters.chars().flat_map(|letter| {
                let kinds = [DigestTagKind::Referrers, DigestTagKind::Signature];
                kinds.map(|kind| attached(kind, letter))
            });
            each.collect()
        };
        let mut new = of("c");
        new.replace(&of("ab"));
        assert_eq!(letters(new.approved()), "cc");
        assert_eq!(letters(new.replaced()), "ab");
        let mut none = AttachedDigests::default();
        none.replace(&of("ab"));
        assert_eq!(none, AttachedDigests::default());
    }
}
