//! The decision which attached content of a source a row copies.

use image_name::{AttachedDigest, Digest, DigestTagKind};

use crate::attached_outcome::MovedAttached;
use crate::options::MovedTag;
use crate::row::Row;

/// The content attached to one manifest that a row approves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SubjectApproval {
    subject: Digest,
    follow: Follow,
    approved: Vec<AttachedDigest>,
    /// The digests that earlier runs may have written to the destination.
    brought: Vec<AttachedDigest>,
}

/// The content without an approval that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Follow {
    /// Everything: the row has no approval, or a mutable tag.
    Everything,
    /// New content, but no digest tag that was pushed again.
    Additions,
    /// Nothing.
    Nothing,
}

/// The decision about one digest tag.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TagDecision {
    /// The content to copy.
    pub(crate) wanted: Option<AttachedDigest>,
    /// The content at the source, if it is not approved.
    pub(crate) added: Option<AttachedDigest>,
    /// The digest tag, if it was pushed again.
    pub(crate) moved: Option<MovedAttached>,
}

impl SubjectApproval {
    pub(crate) fn new(row: &Row, subject: &Digest, moved: MovedTag) -> Self {
        let about = |all: &[AttachedDigest]| -> Vec<AttachedDigest> {
            let about = all.iter().filter(|attached| attached.subject == *subject);
            about.cloned().collect()
        };
        let (follow, approved, mut brought) = match &row.approved {
            None => (Follow::Everything, Vec::new(), Vec::new()),
            Some(approval) => {
                let follow = match moved {
                    _ if approval.mutable => Follow::Everything,
                    MovedTag::Kept if approval.attached.is_none() => Follow::Everything,
                    MovedTag::Kept => Follow::Additions,
                    MovedTag::Refused => Follow::Nothing,
                };
                let attached = approval.attached.as_deref().unwrap_or_default();
                (follow, about(attached), about(&approval.replaced))
            }
        };
        brought.extend_from_slice(&approved);
        Self {
            subject: subject.clone(),
            follow,
            approved,
            brought,
        }
    }

    /// Returns true if the row has approved content of the kind. The source may have lost it.
    pub(crate) fn has_approved(&self, kind: DigestTagKind) -> bool {
        self.approved.iter().any(|approved| approved.kind == kind)
    }

    /// Returns true if the content is copied because it is approved, and not because the source has it
    /// now.
    pub(crate) fn is_approved(&self, attached: &AttachedDigest) -> bool {
        self.is_compared() && self.approved.contains(attached)
    }

    /// Returns true if only approved content matters, so that the lists of the source are compared
    /// with it.
    pub(crate) fn is_compared(&self) -> bool {
        self.follow != Follow::Everything
    }

    /// Returns true if an earlier run may have written the digest to the destination.
    pub(crate) fn has_brought(&self, kind: DigestTagKind, digest: &Digest) -> bool {
        self.brought
            .iter()
            .any(|brought| brought.kind == kind && brought.digest == *digest)
    }

    /// Decides about a digest tag of cosign.
    pub(crate) fn digest_tag(&self, kind: DigestTagKind, source: Option<&Digest>) -> TagDecision {
        let at_source = source.map(|digest| self.attached(kind, digest));
        let mut approved = self
            .approved
            .iter()
            .filter(|approved| approved.kind == kind);
        if self.follow == Follow::Everything {
            return TagDecision {
                wanted: at_source,
                ..TagDecision::default()
            };
        }
        if let Some(approved) = approved.next_back() {
            let moved = source.filter(|now| **now != approved.digest);
            return TagDecision {
                wanted: Some(approved.clone()),
                added: None,
                moved: moved.map(|now| MovedAttached {
                    approved: approved.clone(),
                    now: now.clone(),
                }),
            };
        }
        let follows = self.follow == Follow::Additions;
        TagDecision {
            wanted: at_source.clone().filter(|_| follows),
            added: at_source,
            moved: None,
        }
    }

    /// Returns the content behind a digest tag, or a referrer.
    pub(crate) fn attached(&self, kind: DigestTagKind, digest: &Digest) -> AttachedDigest {
        AttachedDigest {
            subject: self.subject.clone(),
            kind,
            digest: digest.clone(),
        }
    }

    /// Returns true if the source's referrer is not approved, although the row has an approval.
    pub(crate) fn is_added(&self, referrer: &AttachedDigest) -> bool {
        self.is_compared() && !self.approved.contains(referrer)
    }

    /// Returns true if a referrer is copied.
    pub(crate) fn follows(&self, referrer: &AttachedDigest) -> bool {
        self.follow != Follow::Nothing || self.approved.contains(referrer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Approval;
    use crate::row::DestinationSettings;

    fn digest(letter: char) -> Digest {
        let hex = letter.to_string().repeat(64);
        format!("sha256:{hex}").parse().unwrap()
    }

    /// `wanted`, `added` and `moved` of a decision, as letters.
    fn letters(decision: &TagDecision) -> [Option<String>; 3] {
        let letter = |digest: &Digest| digest.hex()[..1].to_owned();
        [
            decision.wanted.as_ref().map(|it| letter(&it.digest)),
            decision.added.as_ref().map(|it| letter(&it.digest)),
            decision.moved.as_ref().map(|it| letter(&it.now)),
        ]
    }

    #[test]
    fn approval_decides_which_signature_is_copied() {
        let signature = |letter| AttachedDigest {
            subject: digest('0'),
            kind: DigestTagKind::Signature,
            digest: digest(letter),
        };
        let mutable = [false, true];
        let row = |approved: Option<&str>, mutable| Row {
            source: "q.io/a:1".parse().unwrap(),
            destination: "r.io/a:1".parse().unwrap(),
            approved: approved.map(|letters| {
                Box::new(Approval {
                    attached: Some(letters.chars().map(signature).collect()),
                    replaced: vec![signature('f')],
                    mutable,
                    ..Approval::from(digest('0'))
                })
            }),
            settings: DestinationSettings::none(),
        };
        // The approved signature, the one at the source, what a plain run and a locked one do.
        let table = [
            (None, Some('b'), ["b", "", ""], ["b", "", ""]),
            (Some(""), Some('b'), ["b", "b", ""], ["", "b", ""]),
            (Some("a"), Some('a'), ["a", "", ""], ["a", "", ""]),
            (Some("a"), Some('b'), ["a", "", "b"], ["a", "", "b"]),
            (Some("a"), None, ["a", "", ""], ["a", "", ""]),
            (Some(""), None, ["", "", ""], ["", "", ""]),
        ];
        for (approved, source, plain, locked) in table {
            let source = source.map(digest);
            for (moved, want) in [(MovedTag::Kept, plain), (MovedTag::Refused, locked)] {
                for mutable in mutable {
                    let row = row(approved, mutable);
                    let approval = SubjectApproval::new(&row, &digest('0'), moved);
                    let decision = approval.digest_tag(DigestTagKind::Signature, source.as_ref());
                    let followed = source.as_ref().map(|source| source.hex()[..1].to_owned());
                    let want = want.map(|letter| (!letter.is_empty()).then(|| letter.to_owned()));
                    let want = if mutable && approved.is_some() {
                        [followed, None, None]
                    } else {
                        want
                    };
                    assert_eq!(
                        letters(&decision),
                        want,
                        "{approved:?} {source:?} {moved:?}"
                    );
                }
            }
        }
        let row = row(Some("a"), false);
        let approval = SubjectApproval::new(&row, &digest('0'), MovedTag::Kept);
        for (letter, want) in [('a', true), ('f', true), ('b', false)] {
            let brought = approval.has_brought(DigestTagKind::Signature, &digest(letter));
            assert_eq!(brought, want, "{letter}");
        }
        let other = SubjectApproval::new(&row, &digest('1'), MovedTag::Kept);
        assert!(!other.has_brought(DigestTagKind::Signature, &digest('a')));
    }
}
