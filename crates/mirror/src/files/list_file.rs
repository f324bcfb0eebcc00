//! List files: reading and checking them.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image_name::{full_repository, tag_or_digest};
use images_list::{Checker, List, Problem, Row, Severity};
use serde_json::{Value, json};

use super::atomic_file::io_message;
use crate::cli::failure::{Failure, Finding};

/// The default path of the list.
const DEFAULT: &str = "images-list";

/// A list and its path.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// The path as given by the user, for messages.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// The list.
    pub(crate) list: List,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// The list, as named by the user.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

/// A finding and its severity.
#[derive(Debug)]
pub(crate) struct ListFinding {
    /// The finding.
    pub(crate) finding: Finding,
    /// The severity.
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

/// Returns the paths of the lists, each once: those of the options, or else of the `IMAGES_FILE`
/// setting (separated by commas), or else the default.
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
/// [`Failure`] that names every list that cannot be read.
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
            "name the list with --images-list FILE or IMAGES_FILE; \
             it has a row `SOURCE DESTINATION TAG` for each image"
                .to_owned()
        });
        Failure::unusable(format!(
            "cannot read the list {name}: {}",
            io_message(&error)
        ))
        .hint(hint)
    })?;
    let list = List::from_bytes(&bytes).map_err(|error| {
        let finding = Finding {
            file: name.clone(),
            line: error.line,
            message: error.to_string(),
        };
        Failure::unusable(format!("cannot read the list {name}: not UTF-8")).problems(vec![finding])
    })?;
    let path = path.to_owned();
    Ok(ListFile { name, path, list })
}

/// Returns all problems of the lists. Each list is checked together with those before it.
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

/// Returns a finding for a problem of a file.
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
    fn options_take_precedence_over_the_setting() {
        let flag = [PathBuf::from("a")];
        assert_eq!(paths(&flag, Some("b")), [PathBuf::from("a")]);
        assert_eq!(
            paths(&[], Some("b, c,,b")),
            [PathBuf::from("b"), PathBuf::from("c")]
        );
        assert_eq!(paths(&[], None), [PathBuf::from("images-list")]);
    }

    #[test]
    fn failure_names_every_unreadable_list() {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("binary");
        fs::write(&binary, b"a b 1\n\xff\n").unwrap();
        let failure = read_all(&[directory.path().join("gone"), binary]).unwrap_err();
        assert!(failure.message.contains("gone"), "{failure}");
        assert_eq!(failure.problems[0].line, 2);
        assert!(!failure.message.contains("os error"), "{failure}");
    }
}
