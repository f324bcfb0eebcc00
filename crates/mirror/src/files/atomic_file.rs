//! Files that a reader sees with their old content or with the new one, and
//! nothing between.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::failure::Failure;

/// New content, on disk already, that is not yet in its place.
#[derive(Debug)]
pub(crate) struct Staged {
    place: Place,
    /// As it was named.
    path: PathBuf,
}

#[derive(Debug)]
enum Place {
    Replace {
        new: NamedTempFile,
        target: PathBuf,
    },
    /// A pipe or a device (`--report /dev/stderr`) is written, not replaced.
    Into {
        content: Vec<u8>,
        target: PathBuf,
    },
}

/// Prepares new content for a file. The mode will be kept, a link stay a link.
///
/// # Errors
///
/// [`Failure`]; the file is as it was.
pub(crate) fn stage(path: &Path, content: &[u8]) -> Result<Staged, Failure> {
    let place = try_stage(path, content).map_err(|error| cannot_write(path, &error))?;
    let path = path.to_owned();
    Ok(Staged { place, path })
}

/// Puts new content in the place of a file at once.
///
/// # Errors
///
/// As [`stage`] and [`Staged::commit`].
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    stage(path, content)?.commit()
}

impl Staged {
    /// Puts the content in its place.
    ///
    /// # Errors
    ///
    /// [`Failure`]; the file is as it was.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let Self { place, path } = self;
        try_commit(place).map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::unusable(format!("cannot write {}: {}", path.display(), plain(error)))
}

/// The system's message without "(os error 2)".
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn try_stage(path: &Path, content: &[u8]) -> io::Result<Place> {
    let target = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        target => target?,
    };
    let mode = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => {
            let content = content.to_owned();
            return Ok(Place::Into { content, target });
        }
        Ok(found) => Some(found.permissions()),
        Err(_) => None,
    };
    let mut new = tempfile::Builder::new()
        .prefix(".mirror-")
        // As for any new file: the umask narrows it.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(&target))?;
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode)?;
    }
    new.write_all(content)?;
    new.as_file().sync_all()?;
    Ok(Place::Replace { new, target })
}

fn try_commit(place: Place) -> io::Result<()> {
    match place {
        Place::Into { content, target } => fs::write(target, content),
        Place::Replace { new, target } => {
            new.persist(&target)?;
            File::open(folder_of(&target))?.sync_all()
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn writing_keeps_mode_and_link_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        let before = fs::metadata(&file).unwrap().ino();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        let after = fs::metadata(&file).unwrap();
        assert_eq!(after.permissions().mode() & 0o777, 0o640);
        assert_ne!(after.ino(), before, "replaced, not written into");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_staged_and_not_committed_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "old").unwrap();
        drop(stage(&file, b"new").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let failure = write(Path::new("/nonexistent/folder/file"), b"x").unwrap_err();
        assert_eq!(
            failure.message,
            "cannot write /nonexistent/folder/file: No such file or directory"
        );
    }
}
