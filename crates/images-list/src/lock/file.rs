//! The whole file.

use super::{Approved, LockProblem, LockProblemKind};
use crate::list::List;
use crate::row::{LastNames, Row, fields};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;

/// The head of every lock.
const HEAD: &str = "\
# What was approved for each row: SOURCE DESTINATION TAG DIGEST MEDIA_TYPE, in the order of the list.
# Written by `mirror lock`, `mirror add-tag` and `mirror sync`; reviewed with the list, not edited.
";

/// The lock of a list: for each row the image that its tag was approved for.
///
/// A row is found however its names are written.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    entries: HashMap<Row, Locked>,
}

#[derive(Debug, Clone)]
struct Locked {
    approved: Approved,
    /// `None` for what was set since the file was read.
    line: Option<usize>,
}

impl Lock {
    /// Reads a lock. Blank lines and comments are passed over.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of the lines: a lock that
    /// is read in part would approve what nobody approved.
    pub fn parse(text: &str) -> Result<Self, Vec<LockProblem>> {
        let mut lock = Self::default();
        let mut problems = Vec::new();
        let mut names = LastNames::default();
        for (text, line) in text.lines().zip(1..) {
            let found = lock.read_line(text, line, &mut names);
            problems.extend(found.into_iter().map(|kind| LockProblem { line, kind }));
        }
        if problems.is_empty() {
            Ok(lock)
        } else {
            Err(problems)
        }
    }

    fn read_line(
        &mut self,
        text: &str,
        line: usize,
        names: &mut LastNames,
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
        let approved = Approved::parse(digest, media_type).map_err(|reason| {
            let text = digest.to_owned();
            LockProblemKind::Digest { text, reason }
        });
        match (row, approved) {
            (Ok(row), Ok(approved)) => self.enter(row, approved, line).err().into_iter().collect(),
            (row, approved) => {
                let wrong = row.err().into_iter().flatten().map(LockProblemKind::Row);
                wrong.chain(approved.err()).collect()
            }
        }
    }

    fn enter(&mut self, row: Row, approved: Approved, line: usize) -> Result<(), LockProblemKind> {
        match self.entries.entry(row) {
            Entry::Vacant(place) => {
                let line = Some(line);
                place.insert(Locked { approved, line });
                Ok(())
            }
            Entry::Occupied(there) => Err(LockProblemKind::Duplicate {
                row: there.key().clone(),
                first: there.get().line.unwrap_or(line),
            }),
        }
    }

    /// What was approved for a row.
    #[must_use]
    pub fn get(&self, row: &Row) -> Option<&Approved> {
        self.entries.get(row).map(|locked| &locked.approved)
    }

    /// The line of the file that has a row, counted from 1; `None` where there
    /// is none, or none yet.
    #[must_use]
    pub fn line(&self, row: &Row) -> Option<usize> {
        self.entries.get(row).and_then(|locked| locked.line)
    }

    /// Approves an image for a row, whatever was approved before.
    pub fn set(&mut self, row: Row, approved: Approved) {
        let line = self.line(&row);
        self.entries.insert(row, Locked { approved, line });
    }

    /// The lines of the file whose rows the list does not have, in their order.
    #[must_use]
    pub fn stale(&self, list: &List) -> Vec<(usize, &Row)> {
        let mut left: HashMap<&Row, &Locked> = self.entries.iter().collect();
        for at in list.rows() {
            left.remove(at.row);
        }
        let lines = left.into_iter();
        let mut stale: Vec<_> = lines
            .filter_map(|(row, locked)| Some((locked.line?, row)))
            .collect();
        stale.sort_by_key(|(line, _)| *line);
        stale
    }

    /// The file's text: a line for each row of the list that is locked, in the
    /// list's order and spelled as the list spells it. What is locked and not
    /// in the list is left out.
    #[must_use]
    pub fn text(&self, list: &List) -> String {
        let mut text = HEAD.to_owned();
        let mut left: HashMap<&Row, &Approved> = self
            .entries
            .iter()
            .map(|(row, locked)| (row, &locked.approved))
            .collect();
        for at in list.rows() {
            // A row that the list has twice is locked once.
            if let Some(approved) = left.remove(at.row) {
                // Writing to a string does not fail.
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

    fn approved(digest: &str) -> Approved {
        Approved::parse(digest, TYPE).unwrap()
    }

    #[test]
    fn lines_follow_the_list() {
        let list = List::parse("# head\nbusybox r/b 2\n\na/a r/a 1\nbusybox r/b 2\nc r/c 1\n");
        let old = format!(
            "# anything\r\na/a\tr/a 1 {A} {TYPE}\r\ngone r/g 1 {A} {TYPE}\r\n\r\n\
             docker.io/library/busybox docker.io/r/b 2 {B} -"
        );
        let lock = Lock::parse(&old).unwrap();
        let want = format!("{HEAD}busybox r/b 2 {B} -\na/a r/a 1 {A} {TYPE}\n");
        assert_eq!(lock.text(&list), want);
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
    fn what_is_set_stands_in_the_place_of_the_old() {
        let list = List::parse("a r/a 1\nb r/b 1\n");
        let mut lock = Lock::parse(&format!("a r/a 1 {A} {TYPE}\n")).unwrap();
        for at in list.rows() {
            let digest = B.parse::<crate::Tag>().unwrap();
            let crate::Tag::Digest(digest) = digest else {
                unreachable!()
            };
            let media_type = Some("application/json; charset=utf-8");
            lock.set(at.row.clone(), Approved::new(digest, media_type));
        }
        let want = format!("{HEAD}a r/a 1 {B} application/json\nb r/b 1 {B} application/json\n");
        assert_eq!(lock.text(&list), want);
    }

    #[test]
    fn everything_wrong_is_said() {
        let text = format!(
            "a r/a 1 {A} {TYPE}\n<<<<<<< HEAD\nA r/b a:b latest {TYPE}\nb r/b 1 sha256:12 {TYPE}\n\
             b r/b 1 {A}\nlibrary/a r/a 1 {B} {TYPE}\n"
        );
        let problems = Lock::parse(&text).unwrap_err();
        let said: Vec<_> = problems
            .iter()
            .map(|problem| format!("{}: {problem}", problem.line))
            .collect();
        let want = [
            "2: 2 fields instead of 5, SOURCE",
            "3: invalid source `A`",
            "3: invalid tag `a:b`",
            "3: invalid digest `latest`: it is a tag",
            "4: invalid digest `sha256:12`: the sha256 digest has 2 characters",
            "5: 4 fields instead of 5, SOURCE",
            "6: `a r/a 1` is locked on line 1 already",
        ];
        assert_eq!(said.len(), want.len(), "{said:#?}");
        for (said, want) in said.iter().zip(want) {
            assert!(said.starts_with(want), "{said}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            rows in proptest::collection::vec(("[a-c]{1,2}", "r/[a-c]", "[1-3]", "[0-9a-f]{64}", "[a-z]{1,4}/[a-z+.]{1,9}|"), 0..12)
        ) {
            let mut lock = Lock::default();
            let mut list = List::default();
            for (source, destination, tag, hex, media_type) in rows {
                let text = format!("{source} {destination} {tag}");
                let row = LastNames::default().parse_row(&text).unwrap();
                let Ok(crate::Tag::Digest(digest)) = format!("sha256:{hex}").parse() else {
                    unreachable!()
                };
                list.insert(row.clone());
                lock.set(row, Approved::new(digest, Some(&media_type)));
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
