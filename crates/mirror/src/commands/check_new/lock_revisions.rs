//! The lock of a list at the base and on disk.

use std::collections::{HashMap, HashSet};

use image_name::{AttachedDigest, Digest};
use images_list::{ApprovedDigest, NumberedRow, Row, Signer};

use super::attached_approvals::{AttachedRevision, unconfirmed};
use super::base::BaseApprovals;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;
use crate::registries::availability::{Availability, ImageTag};
use crate::rows::globs::Globs;

/// The lock of a list at the base and on disk.
#[derive(Debug)]
pub(crate) struct LockRevisions<'a> {
    /// The list on disk.
    pub(crate) list: &'a ListFile,
    /// The index of the list among those of the base.
    pub(crate) index: usize,
    /// The base had a lock of the list.
    pub(crate) had_lock: bool,
    /// The lock on disk.
    pub(crate) current: Option<LockFile>,
}

/// The changes to locks that are no findings.
#[derive(Debug)]
pub(crate) struct LockPolicy {
    /// Rows with mutable tags. Their approvals may change, and differ from the source.
    pub(crate) mutable: Globs,
    /// Approvals of all existing rows may change.
    pub(crate) allow_approvals: bool,
}

/// A change that may need the digest at the row's source.
#[derive(Debug)]
pub(crate) struct ApprovalChange<'a> {
    at: NumberedRow<'a>,
    kind: ChangeKind<'a>,
}

#[derive(Debug)]
enum ChangeKind<'a> {
    /// A row that the base did not have.
    NewRow { now: Option<&'a ApprovedDigest> },
    /// A row that the base had without an approved digest, or a row of a followed entry that the base did not
    /// have.
    NewLine { now: &'a ApprovedDigest },
    /// A row with another digest than at the base, or with none.
    Changed {
        before: &'a Digest,
        now: Option<&'a Digest>,
    },
    /// A row with the same digest as at the base, and another signer.
    Signer {
        before: &'a Signer,
        now: Option<&'a Signer>,
    },
    /// A row with the same digest as at the base, and other attached digests.
    Attached(AttachedRevision),
}

impl ApprovalChange<'_> {
    /// Returns the image at the source that the approved digest is compared with.
    pub(crate) fn image(&self) -> Option<ImageTag> {
        match self.kind {
            ChangeKind::NewRow { .. } | ChangeKind::NewLine { .. } | ChangeKind::Attached(_) => {
                Some(ImageTag::from(self.at.row))
            }
            ChangeKind::Changed { .. } | ChangeKind::Signer { .. } => None,
        }
    }

    /// Returns true if the digests that are attached to the image are compared too.
    pub(crate) fn has_attached(&self) -> bool {
        !self.added().is_empty()
    }

    /// Returns the approved attached digests that the source must have.
    fn added(&self) -> Vec<AttachedDigest> {
        let all = |now: &ApprovedDigest| -> Vec<AttachedDigest> {
            let attached = now.attached();
            attached.map_or_else(Vec::new, |attached| attached.all().collect())
        };
        match &self.kind {
            ChangeKind::NewRow { now } => now.map(all).unwrap_or_default(),
            ChangeKind::NewLine { now } => all(now),
            ChangeKind::Changed { .. } | ChangeKind::Signer { .. } => Vec::new(),
            ChangeKind::Attached(revision) => revision.added.clone(),
        }
    }
}

impl LockRevisions<'_> {
    /// Returns the rows with another approval than at the base, without those that are allowed: rows of the
    /// list, then rows of followed entries that the lock has or had.
    pub(crate) fn changes<'a>(
        &'a self,
        base: &'a BaseApprovals<'_>,
        policy: &LockPolicy,
    ) -> Vec<ApprovalChange<'a>> {
        if self.current.is_none() && self.had_lock {
            return Vec::new();
        }
        let listed: HashSet<&Row> = self.list.list.rows().map(|at| at.row).collect();
        let lock = self.current.as_ref();
        let now = lock.into_iter().flat_map(|file| file.lock.followed());
        let now: Vec<&Row> = now.map(|followed| followed.row).collect();
        let known: HashSet<&Row> = now.iter().copied().collect();
        let before = base.followed(self.index).into_iter();
        let before = before.filter(|row| !known.contains(*row));
        let followed = now.iter().copied().chain(before);
        let followed = followed.filter(|row| !listed.contains(*row));
        let followed = followed.map(|row| NumberedRow { line: 1, row });
        let changes = self.list.list.rows().map(|at| (at, false));
        let changes = changes.chain(followed.map(|at| (at, true)));
        changes
            .filter_map(|(at, is_followed)| {
                let kind = self.change(at.row, is_followed, base, policy)?;
                Some(ApprovalChange { at, kind })
            })
            .collect()
    }

    fn change<'a>(
        &'a self,
        row: &Row,
        is_followed: bool,
        base: &'a BaseApprovals<'_>,
        policy: &LockPolicy,
    ) -> Option<ChangeKind<'a>> {
        let lock = self.current.as_ref();
        let now = lock.and_then(|lock| lock.lock.get(row));
        let is_mutable = policy.mutable.matches(row);
        if !base.has_row(row) && !is_followed {
            // A pin approves its digest.
            let is_open = match now {
                None => row.tag.pin().is_none(),
                Some(_) => !is_mutable,
            };
            return (lock.is_some() && is_open).then_some(ChangeKind::NewRow { now });
        }
        if is_mutable || policy.allow_approvals {
            return None;
        }
        match (base.approved(self.index, row, now), now) {
            (Some(before), Some(now)) if before.digest() == now.digest() => {
                if let Some(signer) = before.signer().filter(|it| now.signer() != Some(*it)) {
                    return Some(ChangeKind::Signer {
                        before: signer,
                        now: now.signer(),
                    });
                }
                AttachedRevision::between(before, now).map(ChangeKind::Attached)
            }
            (Some(before), now) => Some(ChangeKind::Changed {
                before: before.digest(),
                now: now.map(ApprovedDigest::digest),
            }),
            (None, Some(now)) => Some(ChangeKind::NewLine { now }),
            (None, None) => None,
        }
    }

    /// Returns the findings. `images` has what the sources have for each change's image.
    pub(crate) fn findings(
        &self,
        changes: &[ApprovalChange<'_>],
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        policy: &LockPolicy,
    ) -> Vec<Finding> {
        let name = &self.list.name;
        if self.current.is_none() && self.had_lock && !policy.allow_approvals {
            return vec![Finding {
                file: name.clone(),
                line: 1,
                message: format!(
                    "{name}.lock was removed with its approvals; restore it, or run with \
                     --allow-approvals"
                ),
            }];
        }
        let found = changes.iter().flat_map(|change| {
            let image = images.get(&ImageTag::from(change.at.row));
            self.findings_of(change, image)
        });
        found.collect()
    }

    fn findings_of(
        &self,
        change: &ApprovalChange<'_>,
        image: Option<&Availability<ApprovedDigest>>,
    ) -> Vec<Finding> {
        let (at, row) = (change.at, change.at.row);
        let of_digest = match &change.kind {
            ChangeKind::NewRow { now } => {
                let message = self.new_row(row, *now, image);
                message.map(|message| self.list.location(at.line).finding(message))
            }
            ChangeKind::NewLine { now } => {
                new_line(row, now, image).map(|message| self.at_line(at, message))
            }
            ChangeKind::Changed { before, now } => {
                Some(self.at_line(at, changed(row, before, *now)))
            }
            ChangeKind::Signer { before, now } => {
                Some(self.at_line(at, changed_signer(row, before, *now)))
            }
            ChangeKind::Attached(_) => None,
        };
        if let Some(finding) = of_digest {
            return vec![finding];
        }
        let mut messages = match &change.kind {
            ChangeKind::Attached(revision) => revision.findings(row),
            _ => Vec::new(),
        };
        messages.extend(unconfirmed(row, &change.added(), image));
        let findings = messages.into_iter();
        findings.map(|message| self.at_line(at, message)).collect()
    }

    fn new_row(
        &self,
        row: &Row,
        now: Option<&ApprovedDigest>,
        image: Option<&Availability<ApprovedDigest>>,
    ) -> Option<String> {
        let Some(now) = now else {
            return Some(format!(
                "`{row}` is not locked; run `mirror lock` and commit {}.lock",
                self.list.name
            ));
        };
        // A source that cannot be read is a finding of the row itself.
        match image {
            Some(Availability::Found(found)) if found.digest() != now.digest() => {
                Some(other_digest(row, now.digest(), found.digest()))
            }
            Some(Availability::Found(found)) => unconfirmed_signer(row, now, found),
            _ => None,
        }
    }

    /// Returns a finding at the row's line in the lock, or in the list if the lock has none. A row of a
    /// followed entry without a line is reported at the list's first one.
    fn at_line(&self, at: NumberedRow<'_>, message: String) -> Finding {
        let lock = self.current.as_ref();
        let in_lock = lock.and_then(|lock| Some((&lock.name, lock.lock.line(at.row)?)));
        let (file, line) = in_lock.unwrap_or((&self.list.name, at.line));
        Finding {
            file: file.clone(),
            line,
            message,
        }
    }
}

/// Unlike a new row, a new line must be confirmed by the source.
fn new_line(
    row: &Row,
    now: &ApprovedDigest,
    image: Option<&Availability<ApprovedDigest>>,
) -> Option<String> {
    const ALLOW: &str = "allow the digest with --allow-approvals";
    match image {
        Some(Availability::Found(found)) if found.digest() == now.digest() => {
            unconfirmed_signer(row, now, found)
        }
        Some(Availability::Found(found)) => Some(other_digest(row, now.digest(), found.digest())),
        Some(Availability::Rejected(error)) => Some(format!(
            "the image of `{row}` {}; remove the line, or {ALLOW}",
            error.message
        )),
        Some(Availability::Unchecked(error) | Availability::Failed(error)) => Some(format!(
            "cannot compare the approved digest of `{row}` with its source: {}; or {ALLOW}",
            error.message
        )),
        Some(Availability::Missing) | None => Some(format!(
            "`{row}` is locked to {} and does not exist at its source: remove the line, or {ALLOW}",
            now.digest()
        )),
    }
}

fn other_digest(row: &Row, now: &Digest, found: &Digest) -> String {
    format!(
        "`{row}` is locked to {now}, but the source has {found}; review the change, then approve \
         it with `mirror lock --update --match '{}:{}'`",
        row.source,
        row.tag.source()
    )
}

/// Returns the message for a line with a signer that the policy has not found.
fn unconfirmed_signer(row: &Row, now: &ApprovedDigest, found: &ApprovedDigest) -> Option<String> {
    let named = now.signer()?;
    let found = match found.signer() {
        Some(found) if found == named => return None,
        Some(found) => format!("it is signed by {found}"),
        None => "no policy has verified a signature".to_owned(),
    };
    Some(format!(
        "the lock says that {named} has signed the image of `{row}`, but {found}; lock the row again"
    ))
}

fn changed_signer(row: &Row, before: &Signer, now: Option<&Signer>) -> String {
    let change = match now {
        Some(now) => format!("was changed from {before} to {now}"),
        None => format!("{before} was removed"),
    };
    format!("the signer of `{row}` {change}; restore the line, or run with --allow-approvals")
}

fn changed(row: &Row, before: &Digest, now: Option<&Digest>) -> String {
    let change = match now {
        Some(now) => format!("was changed from {before} to {now}"),
        None => format!("as {before} was removed"),
    };
    format!("the approval of `{row}` {change}; restore the line, or run with --allow-approvals")
}
