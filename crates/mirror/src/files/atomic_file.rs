//! Atomic file writes: readers see the old content or the new content.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::failure::Failure;

/// New content of a file, written to disk, before it replaces the file.
#[derive(Debug)]
pub(crate) struct StagedFile {
    content: StagedContent,
    /// The path as given by the user.
    path: PathBuf,
}

#[derive(Debug)]
enum StagedContent {
    /// A temporary file that replaces the target.
    Replace { new: NamedTempFile, target: PathBuf },
    /// Bytes for a pipe or a device (`--report /dev/stderr`), which is not replaced.
    Write { content: Vec<u8>, target: PathBuf },
}

/// Stages new content for a file. The commit keeps the mode, and a symbolic link to the file.
///
/// # Errors
///
/// [`Failure`] if the content cannot be written. The file is unchanged.
pub(crate) fn stage(path: &Path, content: &[u8]) -> Result<StagedFile, Failure> {
    let content = try_stage(path, content).map_err(|error| cannot_write(path, &error))?;
    let path = path.to_owned();
    Ok(StagedFile { content, path })
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
    /// Replaces the file.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the content cannot be written. The file is unchanged.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let Self { content, path } = self;
        try_commit(content).map_err(|error| cannot_write(&path, &error))
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

fn try_stage(path: &Path, content: &[u8]) -> io::Result<StagedContent> {
    let target = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        target => target?,
    };
    let mode = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => {
            let content = content.to_owned();
            return Ok(StagedContent::Write { content, target });
        }
        Ok(found) => Some(found.permissions()),
        Err(_) => None,
    };
    let mut new = tempfile::Builder::new()
        .prefix(".mirror-")
        // The umask applies, as for any new file.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory_of(&target))?;
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode)?;
    }
    new.write_all(content)?;
    new.as_file().sync_all()?;
    Ok(StagedContent::Replace { new, target })
}

fn try_commit(staged: StagedContent) -> io::Result<()> {
    match staged {
        StagedContent::Write { content, target } => fs::write(target, content),
        StagedContent::Replace { new, target } => {
            new.persist(&target)?;
            File::open(directory_of(&target))?.sync_all()
        }
    }
}

fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn write_keeps_mode_and_link_and_leaves_no_other_file() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        let before = fs::metadata(&file).unwrap().ino();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let after = fs::metadata(&file).unwrap();
        assert_eq!(after.permissions().mode() & 0o777, 0o640);
        assert_ne!(after.ino(), before, "the file is replaced");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn staged_file_without_commit_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "old").unwrap();
        drop(stage(&file, b"new").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn failure_names_the_file() {
        let failure = write(Path::new("/nonexistent/directory/file"), b"x").unwrap_err();
        assert_eq!(
            failure.message,
            "cannot write /nonexistent/directory/file: No such file or directory"
        );
    }
}
