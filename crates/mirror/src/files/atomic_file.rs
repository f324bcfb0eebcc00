//! Atomic writes whose failures name the file.

use std::io;
use std::path::{Path, PathBuf};

use atomic_file::Mode;

use crate::cli::failure::Failure;

/// New content that is on disk but not yet in its place.
#[derive(Debug)]
pub(crate) struct StagedFile {
    file: atomic_file::StagedFile,
    /// The path as the user named it.
    path: PathBuf,
}

/// Stages new content for a file. Its mode is kept, and a link stays a link.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged.
pub(crate) fn stage(path: &Path, content: &[u8]) -> Result<StagedFile, Failure> {
    let file = atomic_file::StagedFile::new(path, content, Mode::Keep);
    let file = file.map_err(|error| cannot_write(path, &error))?;
    let path = path.to_owned();
    Ok(StagedFile { file, path })
}

/// Replaces the content of a file.
///
/// # Errors
///
/// As [`stage`] and [`StagedFile::commit`].
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    stage(path, content)?.commit()
}

impl StagedFile {
    /// Replaces the file with the staged content.
    ///
    /// # Errors
    ///
    /// [`Failure`].
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let Self { file, path } = self;
        file.commit().map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::unusable(format!(
        "cannot write {}: {}",
        path.display(),
        io_message(error)
    ))
}

/// Returns the message of an I/O error without its number, `(os error 2)`.
pub(crate) fn io_message(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_names_the_file() {
        let failure = write(Path::new("/nonexistent/directory/file"), b"x").unwrap_err();
        assert_eq!(
            failure.message,
            "cannot write /nonexistent/directory/file: No such file or directory"
        );
    }
}
