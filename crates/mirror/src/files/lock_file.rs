//! Lock files, `LIST.lock`: the approved digest of each row of a list.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use images_list::{List, Lock, LockProblem};

use super::atomic_file::{self, StagedFile, io_message};
use super::list_file::{self, ListFile};
use crate::cli::failure::{Failure, Finding};

/// The mending of invalid lines.
const REPAIR: &str = "restore the lines of the last commit, or remove them and run `mirror lock`";

/// Adds to invalid lines how to mend them, for commands that print them alone.
pub(crate) fn with_repair(problems: Vec<Finding>) -> impl Iterator<Item = Finding> {
    problems.into_iter().map(|problem| Finding {
        message: format!("{} ({REPAIR})", problem.message),
        ..problem
    })
}

/// The lock of a list, and its path.
#[derive(Debug, Clone)]
pub(crate) struct LockFile {
    /// The path as given by the user, with `.lock`, for messages.
    pub(crate) name: String,
    path: PathBuf,
    /// The text that was read.
    text: String,
    /// The lock.
    pub(crate) lock: Lock,
}

/// The reason why a lock cannot be used.
#[derive(Debug)]
pub(crate) enum LockFileError {
    /// The file exists and cannot be read.
    Unreadable(Failure),
    /// The file has invalid lines.
    Invalid(Vec<Finding>),
}

impl LockFile {
    /// Reads the lock of a list. Returns `None` if the list has no lock.
    ///
    /// # Errors
    ///
    /// [`LockFileError`] for a file that cannot be read or is invalid.
    pub(crate) fn read(list: &ListFile) -> Result<Option<Self>, LockFileError> {
        if list_file::is_stdin(&list.path) {
            return Ok(None);
        }
        let (name, path) = (name_of(&list.name), path_of(&list.path));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let message = format!("cannot read the lock {name}: {}", io_message(&error));
                let hint = format!("make {name} a readable file, or move it away");
                let failure = Failure::unusable(message).hint(hint);
                return Err(LockFileError::Unreadable(failure));
            }
        };
        // Replacement characters are invalid in every field, so the parser reports the line.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Lock::parse(&text) {
            Ok(lock) => Ok(Some(Self {
                name,
                path,
                text,
                lock,
            })),
            Err(problems) => Err(LockFileError::Invalid(
                problems
                    .iter()
                    .map(|problem| finding(&name, problem))
                    .collect(),
            )),
        }
    }

    /// Reads the lock beside a list, or creates an empty one in memory.
    ///
    /// # Errors
    ///
    /// As [`LockFile::read`].
    pub(crate) fn read_or_new(list: &ListFile) -> Result<Self, LockFileError> {
        Ok(Self::read(list)?.unwrap_or_else(|| Self {
            name: name_of(&list.name),
            path: path_of(&list.path),
            text: String::new(),
            lock: Lock::default(),
        }))
    }

    /// Returns the text that was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Stages the file for a list; `None` if the text is unchanged.
    ///
    /// # Errors
    ///
    /// As [`atomic_file::stage`].
    pub(crate) fn stage(&self, list: &List) -> Result<Option<StagedFile>, Failure> {
        let text = self.lock.text(list);
        if text == self.text {
            return Ok(None);
        }
        self.stage_text(&text).map(Some)
    }

    /// Stages the file with a text.
    ///
    /// # Errors
    ///
    /// As [`atomic_file::stage`].
    pub(crate) fn stage_text(&self, text: &str) -> Result<StagedFile, Failure> {
        atomic_file::stage(&self.path, text.as_bytes())
    }
}

impl From<LockFileError> for Failure {
    fn from(error: LockFileError) -> Self {
        match error {
            LockFileError::Unreadable(failure) => failure,
            LockFileError::Invalid(problems) => {
                Self::unusable("the lock has invalid lines; nothing was sent")
                    .hint(REPAIR.to_owned())
                    .problems(problems)
            }
        }
    }
}

fn finding(name: &str, problem: &LockProblem) -> Finding {
    Finding {
        file: name.to_owned(),
        line: problem.line,
        message: problem.to_string(),
    }
}

fn name_of(list: &str) -> String {
    format!("{list}.lock")
}

/// Returns the path of the lock of a list.
pub(crate) fn path_of(list: &Path) -> PathBuf {
    let mut path = OsString::from(list);
    path.push(".lock");
    path.into()
}
