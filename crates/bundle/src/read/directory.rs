//! A bundle in a directory. No symbolic link is followed, and nothing but a regular file is opened.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::check_size;
use super::error::{MAX_DOCUMENT, MAX_SIGNATURE, ReadError};
use super::head::Head;
use crate::contents::{CONTENTS_FILE, Member};
use crate::signing::{Signature, SignatureFormat, VerifyingKey};

/// A bundle in a directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    head: Arc<Head>,
}

impl Directory {
    /// Opens a directory, and reads the head of its bundle.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn open(path: &Path, key: Option<&VerifyingKey>) -> Result<Self, ReadError> {
        let (document, size) = match open_below(path, CONTENTS_FILE)? {
            Some(opened) => opened,
            None => {
                let name = path.display().to_string();
                return Err(ReadError::NotABundleDirectory { name });
            }
        };
        let document = read_document(CONTENTS_FILE, document, size, MAX_DOCUMENT)?;
        let mut signature = None;
        for format in SignatureFormat::ALL {
            let name = format.file_name();
            if let Some((file, size)) = open_below(path, name)? {
                let bytes = read_document(name, file, size, MAX_SIGNATURE)?;
                signature = Some(Signature { format, bytes });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            head: Arc::new(Head::verify(&document, signature.as_ref(), key)?),
        })
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Opens a member, and checks its size.
    ///
    /// # Errors
    ///
    /// [`ReadError::Missing`], [`ReadError::Size`], [`ReadError::FileType`], [`ReadError::Io`].
    pub(super) fn open_member(&self, member: &Member) -> Result<File, ReadError> {
        let opened = open_below(&self.path, &member.path.to_string())?;
        let (file, size) = opened.ok_or_else(|| ReadError::Missing {
            path: member.path.clone(),
        })?;
        check_size(member, size)?;
        Ok(file)
    }
}

/// Opens a regular file below a directory, `None` if it does not exist. `path` is one of a bundle's member.
///
/// # Errors
///
/// [`ReadError::FileType`] for a link or a device, also on the way; [`ReadError::Io`].
fn open_below(directory: &Path, path: &str) -> Result<Option<(File, u64)>, ReadError> {
    let failed = |error| ReadError::io(directory.join(path).display().to_string(), error);
    let mut found = None;
    let mut current = directory.to_owned();
    for component in path.split('/') {
        if let Some(metadata) = &found {
            check_kind(path, metadata, Metadata::is_dir)?;
        }
        current.push(component);
        // Not followed.
        found = match current.symlink_metadata() {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
    }
    let Some(expected) = found else {
        return Ok(None);
    };
    check_kind(path, &expected, Metadata::is_file)?;
    let file = File::open(&current).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    // It may have been replaced meanwhile.
    check_kind(path, &opened, |opened| {
        opened.is_file() && (opened.dev(), opened.ino()) == (expected.dev(), expected.ino())
    })?;
    Ok(Some((file, opened.len())))
}

fn check_kind(
    path: &str,
    metadata: &Metadata,
    is_expected: impl Fn(&Metadata) -> bool,
) -> Result<(), ReadError> {
    if is_expected(metadata) {
        return Ok(());
    }
    let kind = metadata.file_type();
    let kind = match () {
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a directory",
        () if kind.is_file() => "a file that was replaced",
        () => "a device, pipe or socket",
    };
    Err(ReadError::FileType {
        name: path.to_owned(),
        kind,
    })
}

fn read_document(name: &str, file: File, size: u64, maximum: u64) -> Result<Vec<u8>, ReadError> {
    ReadError::check_length(name, size, maximum)?;
    let mut bytes = Vec::new();
    // The file may grow meanwhile.
    let read = file.take(maximum + 1).read_to_end(&mut bytes);
    read.map_err(|error| ReadError::io(name, error))?;
    ReadError::check_length(name, bytes.len() as u64, maximum)?;
    Ok(bytes)
}
