//! Staged files and their commit.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The permissions of a written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those of the file that is replaced; `0o666` less the umask for a new file.
    Keep,
    /// These bits, also for a file that exists. No other user can read the temporary file before.
    Exact(u32),
}

/// New content that is on disk but not yet in its place. Dropping it leaves the file unchanged.
#[derive(Debug)]
pub struct StagedFile {
    target: PathBuf,
    content: Staged,
}

#[derive(Debug)]
enum Staged {
    Temporary(NamedTempFile),
    /// For a pipe or a device.
    InMemory(Vec<u8>),
}

impl StagedFile {
    /// Stages new content for the file at `path`.
    ///
    /// # Errors
    ///
    /// The error of the file system. The file is unchanged.
    pub fn new(path: &Path, content: &[u8], mode: Mode) -> io::Result<Self> {
        let target = resolve_link(path)?;
        let found = match fs::metadata(&target) {
            Ok(found) if !found.is_file() => {
                let content = Staged::InMemory(content.to_owned());
                return Ok(Self { target, content });
            }
            found => found.ok(),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tmp-");
        if mode == Mode::Keep {
            // The umask narrows it.
            builder.permissions(Permissions::from_mode(0o666));
        }
        let mut temporary = builder.tempfile_in(directory_of(&target))?;
        let permissions = match mode {
            Mode::Keep => found.map(|found| found.permissions()),
            Mode::Exact(bits) => Some(Permissions::from_mode(bits)),
        };
        if let Some(permissions) = permissions {
            temporary.as_file().set_permissions(permissions)?;
        }
        temporary.write_all(content)?;
        temporary.as_file().sync_all()?;
        let content = Staged::Temporary(temporary);
        Ok(Self { target, content })
    }

    /// Replaces the file with the staged content.
    ///
    /// # Errors
    ///
    /// The error of the file system. If the rename failed, the file is unchanged.
    pub fn commit(self) -> io::Result<()> {
        match self.content {
            Staged::InMemory(content) => fs::write(self.target, content),
            Staged::Temporary(temporary) => {
                temporary.persist(&self.target)?;
                File::open(directory_of(&self.target))?.sync_all()
            }
        }
    }
}

/// Returns the path of the file behind a symbolic link, also if that file does not exist yet. Other
/// paths that do not exist are returned unchanged.
///
/// # Errors
///
/// The error of the file system, for example too many links or no permission.
pub fn resolve_link(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(match (fs::read_link(path), path.parent()) {
                (Ok(target), Some(directory)) => directory.join(target),
                _ => path.to_owned(),
            })
        }
        resolved => resolved,
    }
}

/// Returns the directory of a file, `.` for a bare file name.
#[must_use]
pub fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    fn write(path: &Path, content: &[u8], mode: Mode) {
        StagedFile::new(path, content, mode)
            .unwrap()
            .commit()
            .unwrap();
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn commit_replaces_the_target_of_a_link_and_keeps_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        let inode = fs::metadata(&file).unwrap().ino();
        write(&link, b"new", Mode::Keep);
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(mode_of(&file), 0o640);
        assert_ne!(
            fs::metadata(&file).unwrap().ino(),
            inode,
            "written in place"
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn commit_creates_the_target_of_a_dangling_link() {
        let directory = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| directory.path().join(name));
        symlink("file", &link).unwrap();
        write(&link, b"new", Mode::Keep);
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
    }

    #[test]
    fn exact_mode_applies_to_new_and_existing_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        for mode in [0o600, 0o400] {
            write(&file, b"new", Mode::Exact(mode));
            assert_eq!(mode_of(&file), mode);
        }
    }

    #[test]
    fn drop_without_commit_leaves_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "old").unwrap();
        drop(StagedFile::new(&file, b"new", Mode::Keep).unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn device_is_written_to_and_not_replaced() {
        write(Path::new("/dev/null"), b"new", Mode::Keep);
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
