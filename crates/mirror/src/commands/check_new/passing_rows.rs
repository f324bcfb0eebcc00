//! Rows that a branch adds and removes again.
//!
//! Reviewers do not see them, but a merge that keeps the commits makes them a part of the history, from which
//! `prune` learns which tags rows have written.

use std::collections::HashSet;

use images_list::{List, Lock, Row};

use super::base::BaseList;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::git::FileRevision;

/// Returns a finding for each row that only a commit of the branch has, in a list or in its lock. The changed
/// files are those of the lists and their locks, alternately.
pub(super) fn findings(
    revisions: &[FileRevision],
    base: &[BaseList],
    current: &[ListFile],
) -> Vec<Finding> {
    let mut known: HashSet<Row> = HashSet::new();
    let listed = base.iter().map(|base| &base.list);
    for list in listed.chain(current.iter().map(|file| &file.list)) {
        known.extend(list.rows().map(|at| at.row.clone()));
    }
    let locks = base.iter().filter_map(|base| base.lock.as_ref());
    known.extend(locks.flat_map(|lock| lock.rows().map(|(row, _)| row.clone())));
    let mut findings = Vec::new();
    for revision in revisions {
        for change in &revision.files {
            let Some(file) = current.get(change.file / 2) else {
                continue;
            };
            let is_lock = change.file % 2 == 1;
            let rows = match is_lock {
                true => locked_rows(&change.added),
                false => listed_rows(&change.added),
            };
            for row in rows {
                let place = if is_lock { ".lock" } else { "" };
                let commit = revision.commit.get(..12).unwrap_or(&revision.commit);
                let finding = Finding {
                    file: format!("{}{place}", file.name),
                    line: 1,
                    message: format!(
                        "`{row}` is only in commit {commit} of the branch: if the merge keeps the commits, \
                         `mirror prune` may treat its tag as written by mirror; squash the commits"
                    ),
                };
                if known.insert(row) {
                    findings.push(finding);
                }
            }
        }
    }
    findings
}

fn listed_rows(lines: &[String]) -> Vec<Row> {
    let list = List::parse(&(lines.join("\n") + "\n"));
    list.rows().map(|at| at.row.clone()).collect()
}

fn locked_rows(lines: &[String]) -> Vec<Row> {
    let locks = lines.iter();
    let locks = locks.filter_map(|line| Lock::parse(&format!("# mirror-lock 2\n{line}\n")).ok());
    let rows = locks.flat_map(|lock| lock.rows().map(|(row, _)| row.clone()).collect::<Vec<_>>());
    rows.collect()
}
