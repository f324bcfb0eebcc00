//! What a branch does to what was approved.

use std::collections::HashMap;

use images_list::{ApprovedDigest, Lock, Row};

use super::change::Change;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::files::lock_file::LockFile;
use crate::registries::availability::{Availability, ImageTag};
use crate::rows::globs::Globs;

/// A list with its lock, as the base had it and now.
#[derive(Debug)]
pub(crate) struct LockChange<'a> {
    /// The list.
    pub(crate) file: &'a ListFile,
    /// As the base had it.
    pub(crate) old: Option<Lock>,
    /// As it is on disk.
    pub(crate) new: Option<LockFile>,
}

/// What may change.
#[derive(Debug)]
pub(crate) struct Allowed {
    /// Rows whose tags are followed.
    pub(crate) mutable: Globs,
    /// Whether rows may be approved anew.
    pub(crate) approvals: bool,
}

impl LockChange<'_> {
    /// New rows that are not locked, or not to what their source has; rows of
    /// old whose approval has changed or is gone. `images` is what the sources
    /// said.
    pub(crate) fn findings(
        &self,
        change: &Change,
        images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
        allowed: &Allowed,
    ) -> Vec<Finding> {
        let name = &self.file.name;
        let Some(new) = &self.new else {
            let was_there = self.old.is_some() && !allowed.approvals;
            return was_there
                .then(|| Finding {
                    file: name.clone(),
                    line: 1,
                    message: format!(
                        "{name}.lock was removed, and with it what was approved: put it back, or \
                         say that it may go with --allow-approvals"
                    ),
                })
                .into_iter()
                .collect();
        };
        let added = change.added.iter().filter(|added| added.file == *name);
        let mut found: Vec<_> = added
            .filter_map(|added| {
                let message = of_new_row(&added.row, new, images, allowed)?;
                Some((added.line, message))
            })
            .map(|(line, message)| Finding {
                file: name.clone(),
                line,
                message,
            })
            .collect();
        if let Some(old) = self.old.as_ref().filter(|_| !allowed.approvals) {
            found.extend(self.changed(old, new, change, allowed));
        }
        found
    }

    fn changed(
        &self,
        old: &Lock,
        new: &LockFile,
        change: &Change,
        allowed: &Allowed,
    ) -> Vec<Finding> {
        let is_new = |row: &Row| change.added.iter().any(|added| added.row == *row);
        let rows = self.file.list.rows();
        let rows = rows.filter(|at| !is_new(at.row) && !allowed.mutable.select(at.row));
        rows.filter_map(|at| {
            let before = old.get(at.row)?.digest();
            let now = new.lock.get(at.row).map(ApprovedDigest::digest);
            let what = match now {
                Some(now) if now == before => return None,
                Some(now) => format!("was approved as {before} and is {now} now"),
                None => format!("was approved as {before} and is not locked any more"),
            };
            let (file, line) = match new.lock.line(at.row) {
                Some(line) => (new.name.clone(), line),
                None => (self.file.name.clone(), at.line),
            };
            Some(Finding {
                file,
                line,
                message: format!(
                    "`{}` {what}: put the line back, or say that it was approved anew with \
                     --allow-approvals",
                    at.row
                ),
            })
        })
        .collect()
    }
}

fn of_new_row(
    row: &Row,
    lock: &LockFile,
    images: &HashMap<ImageTag, Availability<ApprovedDigest>>,
    allowed: &Allowed,
) -> Option<String> {
    let Some(approved) = lock.lock.get(row) else {
        return Some(format!(
            "`{row}` is not locked: run `mirror lock` and commit {}",
            lock.name
        ));
    };
    let image = ImageTag::from(row);
    match images.get(&image) {
        Some(Availability::Found(now))
            if now.digest() != approved.digest() && !allowed.mutable.select(row) =>
        {
            Some(format!(
                "`{row}` is locked to {} and its source has {}: find out which is right; \
                 `mirror lock --update --match '{}:{}'` takes the source's",
                approved.digest(),
                now.digest(),
                row.source,
                row.tag
            ))
        }
        _ => None,
    }
}
