//! The rows that a branch adds to the lists and removes from them.

use std::collections::HashSet;

use image_name::RepositoryName;
use images_list::{Diff, Expansions, List, Row, WrittenRepository};

use super::base::BaseList;
use super::policy_changes::TargetRevisions;
use crate::files::list_file::{ListFile, RowLocation};

/// An added or removed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangedRow {
    /// The row.
    pub(crate) row: Row,
    /// The location: on disk for an added row, at the base for a removed one.
    pub(crate) location: RowLocation,
}

/// The changes of all lists. A row that moved from one list to another is not a change.
#[derive(Debug, Default)]
pub(crate) struct ListChanges {
    /// The added rows.
    pub(crate) added: Vec<ChangedRow>,
    /// The removed rows.
    pub(crate) removed: Vec<ChangedRow>,
    /// The destination repositories of added rows that no row had at the base and that must exist or are
    /// created through an API, without duplicates.
    pub(crate) new_destinations: Vec<RepositoryName>,
}

impl ListChanges {
    /// Compares lists on disk with the same lists at the base, in the same order. Lists that the
    /// branch removes follow in `base`.
    pub(crate) fn between(
        base: &[BaseList],
        current: &[ListFile],
        targets: &TargetRevisions,
    ) -> Self {
        let all = |lists: &mut dyn Iterator<Item = &List>| {
            let rows = lists.flat_map(|list| list.rows().map(|at| at.row.clone()));
            rows.collect::<HashSet<Row>>()
        };
        let before = all(&mut base.iter().map(|base| &base.list));
        let after = all(&mut current.iter().map(|file| &file.list));
        let mut changes = Self::default();
        let no_list = List::default();
        let lists = current.iter().map(|file| &file.list);
        let lists = lists.chain(std::iter::repeat(&no_list));
        for (BaseList { name, list, .. }, current) in base.iter().zip(lists) {
            let diff = Diff::between(list, current);
            let changed = |at: &images_list::NumberedRow<'_>| ChangedRow {
                row: at.row.clone(),
                location: RowLocation {
                    file: name.as_str().into(),
                    line: at.line,
                },
            };
            let added = diff.added.iter().filter(|at| !before.contains(at.row));
            changes.added.extend(added.map(changed));
            let removed = diff.removed.iter().filter(|at| !after.contains(at.row));
            changes.removed.extend(removed.map(changed));
        }
        let mut old = Expansions::new(&targets.base);
        let mut known = HashSet::new();
        for row in &before {
            let written = old.expand(&row.destination).unwrap_or_default();
            known.extend(written.iter().map(|written| written.repository.clone()));
        }
        let mut new = Expansions::new(&targets.current);
        for added in &changes.added {
            // Unknown targets are problems of the list.
            let written = new.expand(&added.row.destination).unwrap_or_default();
            for written in written.iter().filter(|written| needs_check(written)) {
                if known.insert(written.repository.clone()) {
                    changes.new_destinations.push(written.repository.clone());
                }
            }
        }
        changes
    }
}

/// Registries that create repositories on push need no check.
fn needs_check(written: &WrittenRepository) -> bool {
    written.must_exist() || written.is_created_by_api()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn moved_and_reformatted_rows_are_no_changes() {
        let base = [
            ("one", "a r/a 1\nb r/b 1\nc r/c 1\n"),
            ("two", "d r/d 1\n"),
            ("removed", "# moved\nd r/d 1\ng r/g 1\n"),
        ];
        let base = base.map(|(name, text)| BaseList {
            name: name.to_owned(),
            list: List::parse(text),
            lock: None,
        });
        let current = [
            ("one", "# new\nc r/c 2\nlibrary/a  r/a 1\n"),
            ("two", "b r/b 1\nd r/d 1\ne r/e 1\nf docker.io/r/e 1\n"),
        ];
        let current = current.map(|(name, text)| ListFile {
            name: name.to_owned(),
            path: name.into(),
            list: List::parse(text),
            targets: Arc::default(),
        });
        let changes = ListChanges::between(&base, &current, &TargetRevisions::default());
        let text = |rows: &[ChangedRow]| {
            let rows = rows
                .iter()
                .map(|changed| format!("{} {}", changed.location, changed.row));
            rows.collect::<Vec<_>>()
        };
        let added = ["one:2 c r/c 2", "two:3 e r/e 1", "two:4 f docker.io/r/e 1"];
        assert_eq!(text(&changes.added), added);
        assert_eq!(
            text(&changes.removed),
            ["one:3 c r/c 1", "removed:3 g r/g 1"]
        );
        let new: Vec<_> = changes
            .new_destinations
            .iter()
            .map(RepositoryName::as_written)
            .collect();
        assert_eq!(new, ["r/e"], "r/c is known; docker.io/r/e is a duplicate");
    }
}
