//! `LIST.lock`: what was approved for each row of a list, on disk.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use images_list::{List, Lock, LockProblem};

use super::atomic_file::{self, Staged, plain};
use super::list_file::ListFile;
use crate::cli::failure::{Failure, Finding};

/// The lock of a list that has one.
#[derive(Debug, Clone)]
pub(crate) struct LockFile {
    /// As the list was named, with `.lock`: what messages say.
    pub(crate) name: String,
    path: PathBuf,
    /// What it had when it was read.
    text: String,
    /// What is in it.
    pub(crate) lock: Lock,
}

/// Why there is no lock to go by.
#[derive(Debug)]
pub(crate) enum LockFileError {
    /// The file is there and cannot be read.
    Unreadable(Failure),
    /// Lines are wrong.
    Wrong(Vec<Finding>),
}

impl LockFile {
    /// Reads the lock beside a list; `None` where the list has none.
    ///
    /// # Errors
    ///
    /// [`LockFileError`] for a file that is there and is no lock.
    pub(crate) fn read(list: &ListFile) -> Result<Option<Self>, LockFileError> {
        let (name, path) = (name_of(&list.name), path_of(&list.path));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let message = format!("cannot read the lock {name}: {}", plain(&error));
                return Err(LockFileError::Unreadable(Failure::unusable(message)));
            }
        };
        // What is no UTF-8 is in no field of a lock, and is found as such.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Lock::parse(&text) {
            Ok(lock) => Ok(Some(Self {
                name,
                path,
                text,
                lock,
            })),
            Err(problems) => Err(LockFileError::Wrong(
                problems
                    .iter()
                    .map(|problem| finding(&name, problem))
                    .collect(),
            )),
        }
    }

    /// Reads the lock beside a list, or begins one.
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

    /// What the file had when it was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Prepares the file for a list, where it would not stay as it is.
    ///
    /// # Errors
    ///
    /// As [`atomic_file::stage`].
    pub(crate) fn stage(&self, list: &List) -> Result<Option<Staged>, Failure> {
        let text = self.lock.text(list);
        if text == self.text {
            return Ok(None);
        }
        self.stage_text(&text).map(Some)
    }

    /// Prepares the file.
    ///
    /// # Errors
    ///
    /// As [`atomic_file::stage`].
    pub(crate) fn stage_text(&self, text: &str) -> Result<Staged, Failure> {
        atomic_file::stage(&self.path, text.as_bytes())
    }
}

impl From<LockFileError> for Failure {
    fn from(error: LockFileError) -> Self {
        match error {
            LockFileError::Unreadable(failure) => failure,
            LockFileError::Wrong(problems) => {
                Self::unusable("the lock has lines that approve nothing; nothing was sent")
                    .hint(
                        "put the lines of the last commit back, or remove the wrong ones and run `mirror lock`"
                            .to_owned(),
                    )
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

/// The lock of a list at this path.
pub(crate) fn path_of(list: &Path) -> PathBuf {
    let mut path = OsString::from(list);
    path.push(".lock");
    path.into()
}
