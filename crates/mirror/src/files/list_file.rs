//! Lists on disk: reading and checking them all.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image_name::{full_repository, tag_or_digest};
use images_list::{Checker, List, Problem, Row, Severity};
use serde_json::{Value, json};

use super::atomic_file::plain;
use crate::cli::failure::{Failure, Finding};

/// Where a list is looked for if none is named.
const DEFAULT: &str = "images-list";

/// A list and where it was read from.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// As it was named: what messages say.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// What is in it.
    pub(crate) list: List,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// The list, as it was named.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// A finding and whether rows are at stake.
#[derive(Debug)]
pub(crate) struct ListFinding {
    /// The finding.
    pub(crate) finding: Finding,
    /// How bad it is.
    pub(crate) severity: Severity,
}

impl ListFile {
    /// Returns the location of a line.
    pub(crate) fn location(&self, line: usize) -> RowLocation {
        RowLocation {
            file: self.name.clone(),
            line,
        }
    }
}

impl RowLocation {
    /// Returns a finding at the location.
    pub(crate) fn finding(&self, message: String) -> Finding {
        Finding {
            file: self.file.clone(),
            line: self.line,
            message,
        }
    }
}

/// `FILE:LINE`.
impl fmt::Display for RowLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The lists to read: those named by flags, else by operand or environment
/// (separated by commas), else the default. Each once, however often named.
pub(crate) fn paths(flags: &[PathBuf], images_file: Option<&str>) -> Vec<PathBuf> {
    let named = if flags.is_empty() {
        let names = images_file.unwrap_or(DEFAULT).split(',');
        names
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect()
    } else {
        flags.to_vec()
    };
    let mut seen = HashSet::new();
    named
        .into_iter()
        .filter(|path| seen.insert(path.clone()))
        .collect()
}

/// Reads lists.
///
/// # Errors
///
/// [`Failure`] that names every file that cannot be read.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<ListFile>, Failure> {
    let mut lists = Vec::new();
    let mut failed: Option<Failure> = None;
    for path in paths {
        match read(path) {
            Ok(list) => lists.push(list),
            Err(failure) => match &mut failed {
                None => failed = Some(failure),
                Some(first) => {
                    first.message = format!("{}; {}", first.message, failure.message);
                    first.problems.extend(failure.problems);
                }
            },
        }
    }
    failed.map_or(Ok(lists), Err)
}

fn read(path: &Path) -> Result<ListFile, Failure> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|error| {
        let hint = (error.kind() == io::ErrorKind::NotFound).then(|| {
            "name your list with --images-list FILE or IMAGES_FILE; \
             it has a row `SOURCE DESTINATION TAG` for each image"
                .to_owned()
        });
        Failure::unusable(format!("cannot read the list {name}: {}", plain(&error))).hint(hint)
    })?;
    let list = List::from_bytes(&bytes).map_err(|error| {
        let finding = Finding {
            file: name.clone(),
            line: error.line,
            message: error.to_string(),
        };
        Failure::unusable(format!("the list {name} is not text")).problems(vec![finding])
    })?;
    let path = path.to_owned();
    Ok(ListFile { name, path, list })
}

/// Everything wrong with the lists, each checked against those before it too.
pub(crate) fn check(lists: &[ListFile]) -> Vec<ListFinding> {
    let mut checker = Checker::default();
    let mut findings = Vec::new();
    for file in lists {
        for problem in checker.check(&file.name, &file.list) {
            findings.push(ListFinding {
                severity: problem.severity(),
                finding: finding(&file.name, &problem),
            });
        }
    }
    findings
}

/// A problem with the name of its file.
pub(crate) fn finding(file: &str, problem: &Problem) -> Finding {
    Finding {
        file: file.to_owned(),
        line: problem.line,
        message: problem.to_string(),
    }
}

/// Returns a row as JSON, with full names.
pub(crate) fn row_json(row: &Row) -> Value {
    let (source, destination) = (row.source_reference(), row.destination_reference());
    json!({
        "source": full_repository(&source),
        "destination": full_repository(&destination),
        "tag": tag_or_digest(&source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_beat_what_else_names_lists() {
        let flag = [PathBuf::from("a")];
        assert_eq!(paths(&flag, Some("b")), [PathBuf::from("a")]);
        assert_eq!(
            paths(&[], Some("b, c,,b")),
            [PathBuf::from("b"), PathBuf::from("c")]
        );
        assert_eq!(paths(&[], None), [PathBuf::from("images-list")]);
    }

    #[test]
    fn every_unreadable_list_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("odd");
        fs::write(&odd, b"a b 1\n\xff\n").unwrap();
        let failure = read_all(&[folder.path().join("gone"), odd]).unwrap_err();
        assert!(failure.message.contains("gone"), "{failure}");
        assert_eq!(failure.problems[0].line, 2);
        assert!(!failure.message.contains("os error"), "{failure}");
    }
}
