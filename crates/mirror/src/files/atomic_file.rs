//! Atomic writes whose failures name the file.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use atomic_file::Mode;

use crate::cli::failure::Failure;
pub(crate) use crate::cli::failure::io_message;

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
    if path.is_dir() {
        return Err(cannot_write(path, &nix::errno::Errno::EISDIR.into()));
    }
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
    // A link is written through, so the directory of its target counts.
    let target = atomic_file::resolve_link(path).unwrap_or_else(|_| path.to_owned());
    let directory = atomic_file::directory_of(&target).display();
    let hint = match error.kind() {
        ErrorKind::NotFound => Some(format!("create the directory {directory} first")),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(format!(
            "free space in {directory}, or name a file elsewhere"
        )),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(format!(
            "make {directory} writable, or name a file elsewhere"
        )),
        ErrorKind::IsADirectory => Some("name a file instead of a directory".to_owned()),
        _ => None,
    };
    Failure::unusable(format!(
        "cannot write {}: {}",
        path.display(),
        io_message(error)
    ))
    .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_is_refused_before_anything_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let failure = stage(directory.path(), b"x").unwrap_err();
        assert!(failure.message.ends_with(": Is a directory"), "{failure}");
        assert_eq!(
            failure.hint.as_deref(),
            Some("name a file instead of a directory")
        );
    }

    #[test]
    fn failure_names_the_file() {
        let failure = write(Path::new("/nonexistent/directory/file"), b"x").unwrap_err();
        assert_eq!(
            failure.message,
            "cannot write /nonexistent/directory/file: No such file or directory"
        );
        let hint = "create the directory /nonexistent/directory first";
        assert_eq!(failure.hint.as_deref(), Some(hint));
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/nonexistent/directory/file", &link).unwrap();
        assert_eq!(write(&link, b"x").unwrap_err().hint.as_deref(), Some(hint));
    }
}
