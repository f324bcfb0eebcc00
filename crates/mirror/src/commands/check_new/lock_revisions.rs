//! The lock of a list at the base and on disk.

use std::collections::HashMap;

use images_list::{ApprovedDigest, Lock, Row};

use super::list_changes::ListChanges;
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
    /// The lock at the base.
    pub(crate) base: Option<Lock>,
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

impl LockRevisions<'_> {
    /// Returns the findings: added rows that are not locked to the digest at their source, and
    /// existing rows with a changed or removed approval. `images` are the images at the sources.
    pub(crate) fn findings(
        &self,
        changes: &ListChanges,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        policy: &LockPolicy,
    ) -> Vec<Finding> {
        let name = &self.list.name;
        let base = self.base.as_ref().filter(|_| !policy.allow_approvals);
        let Some(current) = &self.current else {
            let removal = base.map(|_| {
                self.list.location(1).finding(format!(
                    "{name}.lock was removed with its approvals; restore it, or run with \
                     --allow-approvals"
                ))
            });
            return removal.into_iter().collect();
        };
        let added = changes.added.iter();
        let added = added.filter(|added| added.location.file == *name);
        let mut findings: Vec<_> = added
            .filter_map(|added| {
                let message = added_row_problem(&added.row, current, images, policy)?;
                Some(added.location.finding(message))
            })
            .collect();
        if let Some(base) = base {
            findings.extend(self.changed_approvals(base, current, changes, policy));
        }
        findings
    }

    fn changed_approvals(
        &self,
        base: &Lock,
        current: &LockFile,
        changes: &ListChanges,
        policy: &LockPolicy,
    ) -> Vec<Finding> {
        let is_added = |row: &Row| changes.added.iter().any(|added| added.row == *row);
        let rows = self.list.list.rows();
        let rows = rows.filter(|at| !is_added(at.row) && !policy.mutable.select(at.row));
        rows.filter_map(|at| {
            let before = base.get(at.row)?.digest();
            let now = current.lock.get(at.row).map(ApprovedDigest::digest);
            let change = match now {
                Some(now) if now == before => return None,
                Some(now) => format!("was changed from {before} to {now}"),
                None => format!("as {before} was removed"),
            };
            let (file, line) = match current.lock.line(at.row) {
                Some(line) => (current.name.clone(), line),
                None => (self.list.name.clone(), at.line),
            };
            Some(Finding {
                file,
                line,
                message: format!(
                    "the approval of `{}` {change}; restore the line, or run with \
                     --allow-approvals",
                    at.row
                ),
            })
        })
        .collect()
    }
}

fn added_row_problem(
    row: &Row,
    lock: &LockFile,
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    policy: &LockPolicy,
) -> Option<String> {
    let Some(approved) = lock.lock.get(row) else {
        return Some(format!(
            "`{row}` is not locked; run `mirror lock` and commit {}",
            lock.name
        ));
    };
    match images.get(&ImageTag::from(row)) {
        Some(Availability::Found(found))
            if found.digest() != approved.digest() && !policy.mutable.select(row) =>
        {
            Some(format!(
                "`{row}` is locked to {}, but the source has {}; review the change, then approve \
                 it with `mirror lock --update --match '{}:{}'`",
                approved.digest(),
                found.digest(),
                row.source,
                row.tag
            ))
        }
        _ => None,
    }
}
