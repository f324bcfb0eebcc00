//! The rows that two versions of the lists do not have in common.

use std::collections::HashSet;

use image_name::RepositoryName;
use images_list::{Diff, List, Row};

use crate::files::list_file::ListFile;

/// A row that one version lacks, and its place in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The row.
    pub(crate) row: Row,
    /// The list's name.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// What has changed, over all lists: a row that moved from one to another has
/// not.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// New rows, with their places now.
    pub(crate) added: Vec<Changed>,
    /// Rows that are gone, with the places that they had.
    pub(crate) removed: Vec<Changed>,
    /// Destination repositories of new rows that no row had before, each once.
    pub(crate) new_destinations: Vec<RepositoryName>,
}

impl Change {
    /// Compares each list with what it was; `old` and `new` go together.
    pub(crate) fn between(old: &[List], new: &[ListFile]) -> Self {
        let all = |lists: &mut dyn Iterator<Item = &List>| {
            let rows = lists.flat_map(|list| list.rows().map(|at| at.row.clone()));
            rows.collect::<HashSet<Row>>()
        };
        let before = all(&mut old.iter());
        let after = all(&mut new.iter().map(|file| &file.list));
        let mut change = Self::default();
        for (old, file) in old.iter().zip(new) {
            let diff = Diff::between(old, &file.list);
            let changed = |at: &images_list::NumberedRow<'_>| Changed {
                row: at.row.clone(),
                file: file.name.clone(),
                line: at.line,
            };
            let added = diff.added.iter().filter(|at| !before.contains(at.row));
            change.added.extend(added.map(changed));
            let removed = diff.removed.iter().filter(|at| !after.contains(at.row));
            change.removed.extend(removed.map(changed));
        }
        let known: HashSet<&RepositoryName> = before.iter().map(|row| &row.destination).collect();
        let mut seen = HashSet::new();
        let destinations = change.added.iter().map(|added| &added.row.destination);
        change.new_destinations = destinations
            .filter(|name| !known.contains(name) && seen.insert(*name))
            .cloned()
            .collect();
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_and_not_where_they_stand() {
        let old = ["a r/a 1\nb r/b 1\nc r/c 1\n", "d r/d 1\n"].map(List::parse);
        let now = [
            ("one", "# new\nc r/c 2\nlibrary/a  r/a 1\n"),
            ("two", "b r/b 1\nd r/d 1\ne r/e 1\nf docker.io/r/e 1\n"),
        ];
        let now = now.map(|(name, text)| ListFile {
            name: name.to_owned(),
            path: name.into(),
            list: List::parse(text),
        });
        let change = Change::between(&old, &now);
        let shown = |rows: &[Changed]| {
            let rows = rows
                .iter()
                .map(|at| format!("{}:{} {}", at.file, at.line, at.row));
            rows.collect::<Vec<_>>()
        };
        let added = ["one:2 c r/c 2", "two:3 e r/e 1", "two:4 f docker.io/r/e 1"];
        assert_eq!(shown(&change.added), added);
        assert_eq!(shown(&change.removed), ["one:3 c r/c 1"]);
        let new: Vec<_> = change
            .new_destinations
            .iter()
            .map(RepositoryName::as_written)
            .collect();
        assert_eq!(new, ["r/e"], "once, however it is spelled, and r/c is none");
    }
}
