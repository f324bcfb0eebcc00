//! The directory or the archive that holds the content of an image file.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image_name::Digest;

use super::compression::Compression;
use super::error::{ImageFileError, printable};
use super::span::Span;
use super::tar_members::TarMembers;

/// A directory or an archive.
#[derive(Debug)]
pub(super) struct Container {
    /// The name for messages.
    pub(super) place: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Directory(PathBuf),
    Archive(TarMembers),
}

/// The path of a blob in a layout.
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

impl Container {
    /// Opens a directory.
    pub(super) fn directory(place: String, path: &Path) -> Self {
        Self {
            place,
            content: Content::Directory(path.to_owned()),
        }
    }

    /// Opens an archive. One that is compressed as a whole is decompressed into a file without a name, in
    /// the temporary directory.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a file that cannot be read or is no archive.
    pub(super) fn archive(place: String, path: &Path) -> Result<Self, ImageFileError> {
        let io_error = |error| ImageFileError::io("read", path.display(), error);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() {
                "a directory"
            } else {
                "no regular file"
            };
            let cause = format!("it is {kind}, and an archive is a file");
            return Err(ImageFileError::invalid(place, cause));
        }
        let span = Span {
            file: Arc::new(file),
            offset: 0,
            size: metadata.len(),
        };
        let invalid = |cause: String| ImageFileError::invalid(&place, cause);
        let file = match Compression::of(&span).map_err(io_error)? {
            Compression::None => span.file,
            compression => Arc::new(compression.decompressed(&span).map_err(invalid)?),
        };
        let members = TarMembers::read(file).map_err(invalid)?;
        Ok(Self {
            place,
            content: Content::Archive(members),
        })
    }

    /// Returns a file by its path, which consists of known names and digests, or is that of a member.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a link or another special file in a directory.
    pub(super) fn find(&self, path: &str) -> Result<Option<Span>, ImageFileError> {
        match &self.content {
            Content::Directory(root) => self.find_in(root, path),
            Content::Archive(members) => members
                .find(path)
                .map_err(|cause| ImageFileError::invalid(&self.place, cause)),
        }
    }

    /// Returns a blob.
    ///
    /// # Errors
    ///
    /// As [`Container::find`].
    pub(super) fn blob(&self, digest: &Digest) -> Result<Option<Span>, ImageFileError> {
        self.find(&blob_path(digest))
    }

    /// Returns a small document, `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// As [`Container::find`]; [`ImageFileError::Invalid`] for one that is larger than `limit`.
    pub(super) fn document(
        &self,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, ImageFileError> {
        let Some(span) = self.find(path)? else {
            return Ok(None);
        };
        if span.size > limit {
            let cause = format!(
                "{path} has {} bytes, more than the limit of {limit}",
                span.size
            );
            return Err(ImageFileError::invalid(&self.place, cause));
        }
        let name = || format!("{path} of {}", self.place);
        let content = span.read();
        content
            .map(Some)
            .map_err(|error| ImageFileError::io("read", name(), error))
    }

    /// Returns a regular file below a directory. Below the directory, no link is followed.
    fn find_in(&self, root: &Path, path: &str) -> Result<Option<Span>, ImageFileError> {
        let mut current = root.to_owned();
        let mut components = path.split('/').peekable();
        while let Some(component) = components.next() {
            current.push(component);
            let metadata = match fs::symlink_metadata(&current) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                found => {
                    found.map_err(|error| ImageFileError::io("read", current.display(), error))?
                }
            };
            let is_last = components.peek().is_none();
            if (is_last && metadata.is_file()) || (!is_last && metadata.is_dir()) {
                if is_last {
                    return self.open(&current, &metadata).map(Some);
                }
                continue;
            }
            let kind = if metadata.is_symlink() {
                "a symbolic link"
            } else {
                "no regular file"
            };
            let cause = format!(
                "{} is {kind}, which is not read",
                printable(&current.display().to_string())
            );
            return Err(ImageFileError::invalid(&self.place, cause));
        }
        Ok(None)
    }

    /// Opens the file that was checked.
    fn open(&self, path: &Path, checked: &fs::Metadata) -> Result<Span, ImageFileError> {
        let io_error = |error| ImageFileError::io("read", path.display(), error);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if (metadata.dev(), metadata.ino()) != (checked.dev(), checked.ino()) {
            let cause = format!("{} was replaced while it was read", path.display());
            return Err(ImageFileError::invalid(&self.place, cause));
        }
        Ok(Span {
            file: Arc::new(file),
            offset: 0,
            size: metadata.len(),
        })
    }
}
