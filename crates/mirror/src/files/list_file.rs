//! List files: reading and checking them.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image_name::{ManifestReference, full_repository, tag_or_digest};
use images_list::{Checker, List, NotUtf8, Problem, ProblemKind, Row, Severity, Targets};
use serde_json::{Value, json};

use super::atomic_file::io_message;
use crate::cli::failure::{Failure, Finding};

/// The default path of the list.
const DEFAULT: &str = "images-list";
/// Maximum size of a list, in bytes. A million rows take 100 MB.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// The path that stands for standard input.
const STDIN: &str = "-";

/// A list, its path and the targets that its rows may name.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// The path as given by the user, for messages.
    pub(crate) name: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// The list.
    pub(crate) list: List,
    /// The targets.
    pub(crate) targets: Arc<Targets>,
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// The list, as named by the user.
    pub(crate) file: Arc<str>,
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
    /// `mirror fmt` removes the problem.
    pub(crate) is_fixed_by_fmt: bool,
    /// The destination stands for no repository.
    pub(crate) is_of_targets: bool,
}

impl ListFile {
    /// Returns the location of a line.
    pub(crate) fn location(&self, line: usize) -> RowLocation {
        RowLocation {
            file: self.name.as_str().into(),
            line,
        }
    }

    /// Drops the lines, which a run with very many rows does not need once they are selected.
    pub(crate) fn drop_lines(&mut self) {
        self.list = List::default();
    }
}

impl RowLocation {
    /// Returns a finding at the location.
    pub(crate) fn finding(&self, message: String) -> Finding {
        Finding {
            file: self.file.to_string(),
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

/// Reports whether a path stands for standard input, which has no lock.
pub(crate) fn is_stdin(path: &Path) -> bool {
    let devices = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
    path == Path::new(STDIN) || devices.iter().any(|device| path == Path::new(device))
}

/// Refuses standard input, pipes and devices for a command that writes lists or locks, or reads their
/// history.
///
/// # Errors
///
/// [`Failure`] if one of the paths is `-` or no regular file.
pub(crate) fn refuse_stdin(paths: &[PathBuf]) -> Result<(), Failure> {
    for path in paths {
        let kind = match fs::metadata(path) {
            _ if is_stdin(path) => "standard input",
            // A missing list and a directory have errors of their own.
            Ok(found) if !found.is_file() && !found.is_dir() => "no regular file",
            _ => continue,
        };
        let hint = "name a file with --images-list; `-` is for commands that only read";
        return Err(Failure::unusable(format!(
            "the list `{}` is {kind}, which has no lock and no history",
            path.display()
        ))
        .hint(hint.to_owned()));
    }
    Ok(())
}

/// Reads lists whose rows may name targets.
///
/// # Errors
///
/// [`Failure`] that names every list that cannot be read.
pub(crate) fn read_all(
    paths: &[PathBuf],
    targets: &Arc<Targets>,
) -> Result<Vec<ListFile>, Failure> {
    let mut lists = Vec::new();
    let mut failed: Option<Failure> = None;
    for path in paths {
        match read(path, targets) {
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

/// Reads lists once more, with the same targets.
///
/// # Errors
///
/// As [`read_all`].
pub(crate) fn read_again(lists: &[ListFile]) -> Result<Vec<ListFile>, Failure> {
    let paths: Vec<_> = lists.iter().map(|file| file.path.clone()).collect();
    read_all(&paths, &targets_of(lists))
}

/// Returns true for a list: most lines that are neither blank nor comments are rows.
pub(crate) fn is_list(list: &List) -> bool {
    let invalid: HashSet<usize> = list.invalid_rows().iter().map(|row| row.line).collect();
    list.rows().count() > invalid.len()
}

/// Returns the targets of the lists of a run.
pub(crate) fn targets_of(lists: &[ListFile]) -> Arc<Targets> {
    let first = lists.first().map(|file| Arc::clone(&file.targets));
    first.unwrap_or_default()
}

/// Returns the failure of a command that needs a row, and lists without one.
pub(crate) fn no_row(lists: &[ListFile]) -> Failure {
    let names: Vec<_> = lists.iter().map(|file| file.name.as_str()).collect();
    Failure::unusable(format!("{} has no row; nothing was sent", names.join(", "))).hint(
        "name the right list with --images-list, or add rows `SOURCE DESTINATION TAG`; with \
         --allow-empty this is no error"
            .to_owned(),
    )
}

fn read(path: &Path, targets: &Arc<Targets>) -> Result<ListFile, Failure> {
    let name = path.display().to_string();
    let bytes = read_bytes(path).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => {
                "name the list with --images-list FILE or IMAGES_FILE; \
                 it has a row `SOURCE DESTINATION TAG` for each image"
            }
            io::ErrorKind::PermissionDenied => "make the file readable, or name another list",
            _ => "name a file with a row `SOURCE DESTINATION TAG` for each image",
        };
        Failure::unusable(format!(
            "cannot read the list {name}: {}",
            io_message(&error)
        ))
        .hint(hint.to_owned())
    })?;
    let list = List::from_bytes(&bytes).map_err(|error| not_utf8(&name, &bytes, &error))?;
    let path = path.to_owned();
    let targets = Arc::clone(targets);
    Ok(ListFile {
        name,
        path,
        list,
        targets,
    })
}

/// Returns the failure for a list that is not UTF-8: text in another encoding, or no text at all.
fn not_utf8(name: &str, bytes: &[u8], error: &NotUtf8) -> Failure {
    let (what, hint) = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ("UTF-16, not UTF-8", "save the file as UTF-8"),
        _ if bytes.contains(&0) => (
            "not a text file",
            "name a text file with a row `SOURCE DESTINATION TAG` for each image",
        ),
        _ => ("not UTF-8", "save the file as UTF-8"),
    };
    let finding = Finding {
        file: name.to_owned(),
        line: error.line,
        message: what.to_owned(),
    };
    Failure::unusable(format!("cannot read the list {name}: {what}"))
        .hint(hint.to_owned())
        .problems(vec![finding])
}

/// Reads a list of at most [`MAX_BYTES`], since `/dev/zero` and some pipes never end.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    };
    if read? as u64 > MAX_BYTES {
        let message = format!("larger than the limit of {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Returns all problems of the lists. Each list is checked together with those before it.
pub(crate) fn check(lists: &[ListFile]) -> Vec<ListFinding> {
    let targets = targets_of(lists);
    let mut checker = Checker::new(&targets);
    let mut findings = Vec::new();
    for file in lists {
        for problem in checker.check(&file.name, &file.list) {
            findings.push(ListFinding {
                severity: problem.severity(),
                is_fixed_by_fmt: problem.is_fixed_by_format(),
                is_of_targets: matches!(problem.kind, ProblemKind::InvalidDestination { .. }),
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
    let source = row.source_reference();
    let mut json = json!({
        "source": full_repository(&source),
        "destination": row.destination.full(),
        "tag": tag_or_digest(&source),
    });
    if let Some(pin) = row.tag.pin() {
        json["pin"] = pin.as_ref().into();
    }
    if *row.tag.destinations() != [row.tag.source().clone()] {
        let tags = row.tag.destinations().iter();
        json["destination_tags"] = tags.map(ManifestReference::as_str).collect();
    }
    json
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
    fn only_files_have_a_lock() {
        for (path, kind) in [
            ("-", "standard input"),
            ("/dev/stdin", "standard input"),
            ("/dev/fd/0", "standard input"),
            ("/dev/null", "no regular file"),
        ] {
            let failure = refuse_stdin(&[PathBuf::from(path)]).unwrap_err();
            let named = failure.message.contains(&format!("`{path}` is {kind}"));
            assert!(named, "{failure}");
        }
        for path in ["gone", ".", "Cargo.toml"] {
            assert_eq!(refuse_stdin(&[PathBuf::from(path)]), Ok(()), "{path}");
        }
    }

    #[test]
    fn failure_names_every_unreadable_list() {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("binary");
        fs::write(&binary, b"a b 1\n\xff\n").unwrap();
        let failure =
            read_all(&[directory.path().join("gone"), binary], &Arc::default()).unwrap_err();
        assert!(failure.message.contains("gone"), "{failure}");
        assert_eq!(failure.problems[0].line, 2);
        assert!(!failure.message.contains("os error"), "{failure}");
    }
}
