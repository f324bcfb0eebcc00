//! Changed approvals of attached content: signatures, attestations, SBOMs and referrers.

use image_name::{AttachedDigest, Digest};
use images_list::{ApprovedDigest, AttachedDigests, Row};

use crate::registries::availability::Availability;
use crate::terminal::hints;

/// The attached digests of a row that a branch changes. The row keeps its digest.
#[derive(Debug)]
pub(crate) struct AttachedRevision {
    /// Approved digests that the base did not have.
    pub(crate) added: Vec<AttachedDigest>,
    /// Approved digests of the base, each with the one that is approved instead.
    changed: Vec<(AttachedDigest, Option<Digest>)>,
}

impl AttachedRevision {
    /// Compares two approvals of one digest; `None` if the same attached digests are approved.
    ///
    /// A digest that was replaced before the base may be dropped. A replaced one that the base did
    /// not have counts as added: a run may overwrite it at the destination.
    pub(crate) fn between(before: &ApprovedDigest, now: &ApprovedDigest) -> Option<Self> {
        let none = AttachedDigests::default();
        let before = before.attached().unwrap_or(&none);
        let now = now.attached().unwrap_or(&none);
        let changed = before.approved().filter(|old| !now.has_approved(old));
        let changed: Vec<_> = changed
            .map(|old| {
                let instead = now.approved_instead(&old);
                (old, instead)
            })
            .collect();
        let is_successor = |new: &AttachedDigest| {
            let mut changed = changed.iter();
            changed.any(|(old, now)| {
                (&old.subject, old.kind) == (&new.subject, new.kind)
                    && now.as_ref() == Some(&new.digest)
            })
        };
        let is_new = |new: &AttachedDigest| !before.contains(new) && !is_successor(new);
        let reapproved = now.approved().filter(|new| before.contains(new));
        let reapproved = reapproved.filter(|new| !before.has_approved(new) && !is_successor(new));
        let added: Vec<_> = now.all().filter(is_new).chain(reapproved).collect();
        (!added.is_empty() || !changed.is_empty()).then_some(Self { added, changed })
    }

    /// Returns a message for each changed or removed approval.
    pub(crate) fn findings(&self, row: &Row) -> Vec<String> {
        let findings = self.changed.iter().map(|(old, now)| {
            let (tag, before) = (old.tag(), &old.digest);
            let change = match now {
                Some(now) => format!("was changed from {before} to {now}"),
                None => format!("as {before} was removed"),
            };
            format!(
                "the approval of {tag} of `{row}` {change}; restore the line, or run with \
                 --allow-approvals"
            )
        });
        findings.collect()
    }
}

/// Returns a message for each attached digest that the source does not have.
///
/// A source without the image, or with another digest, is a finding of its own.
pub(crate) fn unconfirmed(
    row: &Row,
    added: &[AttachedDigest],
    image: Option<&Availability<ApprovedDigest>>,
) -> Vec<String> {
    let Some(Availability::Found(found)) = image else {
        return Vec::new();
    };
    let hint = hints::for_moved_tag(row.source.as_written(), row.tag.source().as_str());
    let mut findings = Vec::new();
    for attached in added {
        let (tag, digest) = (attached.tag(), &attached.digest);
        let at_source = match found.attached() {
            None => "the source does not list it".to_owned(),
            Some(all) if all.has_approved(attached) => continue,
            Some(all) => match all.approved_instead(attached) {
                Some(other) => format!("the source has {other}"),
                None => "the source does not have it".to_owned(),
            },
        };
        findings.push(format!(
            "`{row}` is locked with {tag} as {digest}, but {at_source}; {hint}"
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use image_name::DigestTagKind;
    use images_list::List;

    use super::*;

    fn digest(letter: char) -> Digest {
        let hex = letter.to_string().repeat(64);
        format!("sha256:{hex}").parse().unwrap()
    }

    /// An approval with signatures in lower case and referrers in digits, in the order of the lines.
    fn approval(letters: &str) -> ApprovedDigest {
        let attached = letters.chars().map(|letter| AttachedDigest {
            subject: digest('0'),
            kind: match letter {
                '0'..='9' => DigestTagKind::Referrers,
                _ => DigestTagKind::Signature,
            },
            digest: digest(letter),
        });
        ApprovedDigest::new(digest('0'), None).with_attached(attached.collect())
    }

    #[test]
    fn changes_of_signatures_and_referrers_are_found() {
        // Before, now, what the source must have, what is a finding in any case.
        let table = [
            ("a1", "a1", "", vec![]),
            ("", "a1", "1a", vec![]),
            ("a1", "a12", "2", vec![]),
            ("a", "ab", "", vec!["changed"]),
            ("a", "b", "", vec!["changed"]),
            ("a1", "a", "", vec!["removed"]),
            ("a", "", "", vec!["removed"]),
            // A replaced digest that the base did not have could be the company's own signature.
            ("a", "ca", "c", vec![]),
            ("", "ca", "ca", vec![]),
            ("ab", "b", "", vec![]),
            // The lines in another order approve the former signature again.
            ("ab", "ba", "", vec!["changed"]),
        ];
        let list = List::parse("q.io/a r.io/a 1\n");
        let row = list.rows().next().unwrap().row;
        for (before, now, added, findings) in table {
            let revision = AttachedRevision::between(&approval(before), &approval(now));
            let (got, messages) = revision.map_or_else(Default::default, |revision| {
                let letters = revision.added.iter();
                let letters: String = letters.map(|it| it.digest.hex()[..1].to_owned()).collect();
                (letters, revision.findings(row))
            });
            assert_eq!(got, added, "{before} -> {now}");
            assert_eq!(messages.len(), findings.len(), "{before} -> {now}");
            for (message, word) in messages.iter().zip(findings) {
                assert!(message.contains(&format!("was {word}")), "{message}");
            }
        }
    }
}
