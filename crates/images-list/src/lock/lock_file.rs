//! The lock file: `SOURCE DESTINATION TAG DIGEST MEDIA_TYPE` for each locked row.

use super::approved_digest::ApprovedDigest;
use super::problem::{LockProblem, LockProblemKind};
use crate::list::List;
use crate::row::{NameCache, Row, fields};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;

/// The first lines of every lock.
const HEADER: &str = "\
# What was approved for each row: SOURCE DESTINATION TAG DIGEST MEDIA_TYPE, in the order of the list.
# Written by `mirror lock`, `mirror add-tag` and `mirror sync`; reviewed with the list, not edited.
";

/// The lock of a list: the approved digest of each locked row.
///
/// Lookups ignore the spelling of names, like [`Row`]'s equality.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    entries: HashMap<Row, LockEntry>,
}

#[derive(Debug, Clone)]
struct LockEntry {
    approved: ApprovedDigest,
    /// `None` for entries that [`Lock::set`] added.
    line: Option<usize>,
}

impl Lock {
    /// Parses a lock. Blank lines and comments are skipped.
    ///
    /// # Errors
    ///
    /// All problems in the order of the lines. There is no partial lock.
    pub fn parse(text: &str) -> Result<Self, Vec<LockProblem>> {
        let mut lock = Self::default();
        let mut problems = Vec::new();
        let mut names = NameCache::default();
        for (text, line) in text.lines().zip(1..) {
            let found = lock.parse_line(text, line, &mut names);
            problems.extend(found.into_iter().map(|kind| LockProblem { line, kind }));
        }
        if problems.is_empty() {
            Ok(lock)
        } else {
            Err(problems)
        }
    }

    fn parse_line(
        &mut self,
        text: &str,
        line: usize,
        names: &mut NameCache,
    ) -> Vec<LockProblemKind> {
        let columns: Vec<&str> = fields(text).collect();
        if columns.first().is_none_or(|first| first.starts_with('#')) {
            return Vec::new();
        }
        let [source, destination, tag, digest, media_type] = columns[..] else {
            let found = columns.len();
            return vec![LockProblemKind::Fields { found }];
        };
        let row = names.parse_row(&format!("{source} {destination} {tag}"));
        let approved = ApprovedDigest::parse(digest, media_type).map_err(|reason| {
            let text = digest.to_owned();
            LockProblemKind::Digest { text, reason }
        });
        match (row, approved) {
            (Ok(row), Ok(approved)) => self.insert(row, approved, line).err().into_iter().collect(),
            (row, approved) => {
                let errors = row.err().into_iter().flatten().map(LockProblemKind::Row);
                errors.chain(approved.err()).collect()
            }
        }
    }

    fn insert(
        &mut self,
        row: Row,
        approved: ApprovedDigest,
        line: usize,
    ) -> Result<(), LockProblemKind> {
        match self.entries.entry(row) {
            Entry::Vacant(entry) => {
                let line = Some(line);
                entry.insert(LockEntry { approved, line });
                Ok(())
            }
            Entry::Occupied(first) => Err(LockProblemKind::Duplicate {
                row: first.key().clone(),
                first: first.get().line.unwrap_or(line),
            }),
        }
    }

    /// Returns the approved digest of a row.
    #[must_use]
    pub fn get(&self, row: &Row) -> Option<&ApprovedDigest> {
        self.entries.get(row).map(|entry| &entry.approved)
    }

    /// Returns the number of a row's line in the file, from 1.
    #[must_use]
    pub fn line(&self, row: &Row) -> Option<usize> {
        self.entries.get(row).and_then(|entry| entry.line)
    }

    /// Sets the approved digest of a row.
    pub fn set(&mut self, row: Row, approved: ApprovedDigest) {
        let line = self.line(&row);
        self.entries.insert(row, LockEntry { approved, line });
    }

    /// Returns the locked rows that are not in the list, in the order of their lines.
    #[must_use]
    pub fn stale(&self, list: &List) -> Vec<(usize, &Row)> {
        let mut left: HashMap<&Row, &LockEntry> = self.entries.iter().collect();
        for at in list.rows() {
            left.remove(at.row);
        }
        let lines = left.into_iter();
        let mut stale: Vec<_> = lines
            .filter_map(|(row, entry)| Some((entry.line?, row)))
            .collect();
        stale.sort_by_key(|(line, _)| *line);
        stale
    }

    /// Returns the text of the file: a line for each locked row of the list, in the order and the
    /// spelling of the list. Rows that are not in the list are left out.
    #[must_use]
    pub fn text(&self, list: &List) -> String {
        let mut text = HEADER.to_owned();
        let mut left: HashMap<&Row, &ApprovedDigest> = self
            .entries
            .iter()
            .map(|(row, entry)| (row, &entry.approved))
            .collect();
        for at in list.rows() {
            // A duplicate row has one line in the lock.
            if let Some(approved) = left.remove(at.row) {
                // Writing to a string cannot fail.
                writeln!(text, "{} {approved}", at.row).ok();
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    const B: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const TYPE: &str = "application/vnd.oci.image.index.v1+json";

    fn approved(digest: &str) -> ApprovedDigest {
        ApprovedDigest::parse(digest, TYPE).unwrap()
    }

    #[test]
    fn text_has_the_order_and_spelling_of_the_list() {
        let list = List::parse("# head\nbusybox r/b 2\n\na/a r/a 1\nbusybox r/b 2\nc r/c 1\n");
        let old = format!(
            "# anything\r\na/a\tr/a 1 {A} {TYPE}\r\ngone r/g 1 {A} {TYPE}\r\n\r\n\
             docker.io/library/busybox docker.io/r/b 2 {B} -"
        );
        let lock = Lock::parse(&old).unwrap();
        let expected = format!("{HEADER}busybox r/b 2 {B} -\na/a r/a 1 {A} {TYPE}\n");
        assert_eq!(lock.text(&list), expected);
        let rows: Vec<Row> = list.rows().map(|at| at.row.clone()).collect();
        assert_eq!(lock.line(&rows[0]), Some(5));
        assert_eq!(lock.get(&rows[0]).unwrap().media_type(), None);
        assert_eq!(lock.get(&rows[1]), Some(&approved(A)));
        assert_eq!(lock.get(&rows[3]), None);
        let stale = lock.stale(&list);
        assert_eq!(stale.len(), 1);
        assert_eq!(
            (stale[0].0, stale[0].1.to_string()),
            (3, "gone r/g 1".to_owned())
        );
    }

    #[test]
    fn set_replaces_the_approved_digest() {
        let list = List::parse("a r/a 1\nb r/b 1\n");
        let mut lock = Lock::parse(&format!("a r/a 1 {A} {TYPE}\n")).unwrap();
        for at in list.rows() {
            let digest = B.parse().unwrap();
            let media_type = Some("application/json; charset=utf-8");
            lock.set(at.row.clone(), ApprovedDigest::new(digest, media_type));
        }
        let expected =
            format!("{HEADER}a r/a 1 {B} application/json\nb r/b 1 {B} application/json\n");
        assert_eq!(lock.text(&list), expected);
    }

    #[test]
    fn parse_returns_all_problems() {
        let text = format!(
            "a r/a 1 {A} {TYPE}\n<<<<<<< HEAD\nA r/b a:b latest {TYPE}\nb r/b 1 sha256:12 {TYPE}\n\
             b r/b 1 {A}\nlibrary/a r/a 1 {B} {TYPE}\n"
        );
        let problems = Lock::parse(&text).unwrap_err();
        let messages: Vec<_> = problems
            .iter()
            .map(|problem| format!("{}: {problem}", problem.line))
            .collect();
        let expected = [
            "2: expected 5 fields",
            "3: invalid source `A`",
            "3: invalid tag `a:b`",
            "3: invalid digest `latest`: a tag is not a digest",
            "4: invalid digest `sha256:12`: the sha256 digest has 2 characters",
            "5: expected 5 fields (SOURCE DESTINATION TAG DIGEST MEDIA_TYPE), found 4",
            "6: duplicate row: `a r/a 1` is already on line 1",
        ];
        assert_eq!(messages.len(), expected.len(), "{messages:#?}");
        for (message, start) in messages.iter().zip(expected) {
            assert!(message.starts_with(start), "{message}");
        }
    }

    proptest! {
        #[test]
        fn written_text_parses_to_the_same_lock(
            rows in proptest::collection::vec(("[a-c]{1,2}", "r/[a-c]", "[1-3]", "[0-9a-f]{64}", "[a-z]{1,4}/[a-z+.]{1,9}|"), 0..12)
        ) {
            let mut lock = Lock::default();
            let mut list = List::default();
            for (source, destination, tag, hex, media_type) in rows {
                let text = format!("{source} {destination} {tag}");
                let row = NameCache::default().parse_row(&text).unwrap();
                let digest = format!("sha256:{hex}").parse().unwrap();
                list.insert(row.clone());
                lock.set(row, ApprovedDigest::new(digest, Some(&media_type)));
            }
            let read = Lock::parse(&lock.text(&list)).unwrap();
            for at in list.rows() {
                prop_assert_eq!(read.get(at.row), lock.get(at.row));
                prop_assert!(read.get(at.row).is_some());
            }
            prop_assert_eq!(read.text(&list), lock.text(&list));
            prop_assert!(read.stale(&list).is_empty());
        }
    }
}
