//! A bundle that was opened: an archive in files, or a directory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_client::ContentHasher;

use super::archive::ArchiveReader;
use super::byte_source::is_compressed;
use super::directory::Directory;
use super::error::ReadError;
use super::head::Head;
use super::volumes::Volumes;
use crate::contents::Member;
use crate::signing::VerifyingKey;

/// A bundle in files.
#[derive(Debug)]
pub enum Opened {
    /// An archive, in one file or in volumes.
    Archive {
        /// The files.
        volumes: Arc<Volumes>,
        /// The members, of which none was read.
        reader: ArchiveReader,
    },
    /// A directory.
    Directory(Directory),
}

/// The members of a bundle in their order, read once.
#[derive(Debug)]
pub struct Members {
    head: Arc<Head>,
    source: Source,
    current: Option<Current>,
}

#[derive(Debug)]
enum Source {
    Archive {
        reader: ArchiveReader,
        volumes: Option<Arc<Volumes>>,
    },
    Directory {
        directory: Directory,
        next: usize,
        file: Option<File>,
    },
}

/// The member that is read.
#[derive(Debug)]
struct Current {
    index: usize,
    hasher: ContentHasher,
    rest: u64,
}

impl Opened {
    /// Opens a directory, the file of an archive, or its volumes in any order.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn open(paths: &[PathBuf], key: Option<&VerifyingKey>) -> Result<Self, ReadError> {
        if let [path] = paths
            && path.is_dir()
        {
            return Self::open_directory(path, key);
        }
        let volumes = Arc::new(Volumes::open(paths)?);
        let reader = ArchiveReader::open(&volumes, key);
        let reader = reader.map_err(|error| volumes.explain(error))?;
        Ok(Self::Archive { volumes, reader })
    }

    fn open_directory(path: &Path, key: Option<&VerifyingKey>) -> Result<Self, ReadError> {
        Directory::open(path, key).map(Self::Directory)
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        match self {
            Self::Archive { reader, .. } => reader.head(),
            Self::Directory(directory) => directory.head(),
        }
    }

    /// Returns the files of an archive.
    #[must_use]
    pub fn volumes(&self) -> Option<&Arc<Volumes>> {
        match self {
            Self::Archive { volumes, .. } => Some(volumes),
            Self::Directory(_) => None,
        }
    }

    /// Returns true if content can be read at any position: a directory, or an archive without compression.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`].
    pub fn is_seekable(&self) -> Result<bool, ReadError> {
        match self {
            Self::Archive { volumes, .. } => Ok(!is_compressed(&volumes.first_bytes()?)),
            Self::Directory(_) => Ok(true),
        }
    }

    /// Returns the members.
    #[must_use]
    pub fn into_members(self) -> Members {
        let head = Arc::clone(self.head());
        let source = match self {
            Self::Archive { volumes, reader } => Source::Archive {
                reader,
                volumes: Some(volumes),
            },
            Self::Directory(directory) => Source::Directory {
                directory,
                next: 0,
                file: None,
            },
        };
        Members {
            head,
            source,
            current: None,
        }
    }
}

impl Members {
    /// Returns the members of an archive in a stream.
    #[must_use]
    pub fn of_stream(reader: ArchiveReader) -> Self {
        Self {
            head: Arc::clone(reader.head()),
            source: Source::Archive {
                reader,
                volumes: None,
            },
            current: None,
        }
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Moves to the next member and returns its index in the list, `None` after the last. What is left of
    /// the member before is skipped unchecked.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn next_member(&mut self) -> Result<Option<usize>, ReadError> {
        let found = match &mut self.source {
            Source::Archive { reader, .. } => reader.next_member(),
            Source::Directory {
                directory,
                next,
                file,
            } => {
                let member = self.head.contents.members.get(*next);
                member.map_or(Ok(None), |member| {
                    *file = Some(directory.open_member(member)?);
                    *next += 1;
                    Ok(Some(*next - 1))
                })
            }
        };
        let index = found.map_err(|error| self.explain(error))?;
        self.current = index.map(|index| {
            let member = &self.head.contents.members[index];
            Current {
                index,
                hasher: ContentHasher::for_digest(&member.digest),
                rest: member.size,
            }
        });
        Ok(index)
    }

    /// Reads content of the current member; 0 at its end. The last bytes are returned only after the digest
    /// of the whole was checked.
    ///
    /// # Errors
    ///
    /// [`ReadError`], [`ReadError::Digest`] before the last bytes.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let read = self.read_content(buffer);
        read.map_err(|error| self.explain(error))
    }

    fn read_content(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let Some(current) = &mut self.current else {
            return Ok(0);
        };
        let member = &self.head.contents.members[current.index];
        let most = usize::try_from(current.rest)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = &mut buffer[..most];
        let read = match &mut self.source {
            Source::Archive { reader, .. } => reader.read(buffer)?,
            Source::Directory { file, .. } => match file {
                Some(file) => file
                    .read(buffer)
                    .map_err(|error| ReadError::io(member.path.to_string(), error))?,
                None => 0,
            },
        };
        if read == 0 && current.rest > 0 && most > 0 {
            let within = format!("in the member {}", member.path);
            return Err(ReadError::Truncated { within });
        }
        current.hasher.update(&buffer[..read]);
        current.rest -= read as u64;
        if current.rest > 0 {
            return Ok(read);
        }
        let current = self.current.take();
        let actual = current
            .map(|current| current.hasher.finish())
            .unwrap_or_default();
        check_digest(member, actual)?;
        Ok(read)
    }

    /// Reads the whole content of the current member, whose size the caller has checked.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn read_to_end(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut content = Vec::new();
        let rest = self.current.as_ref().map_or(0, |current| current.rest);
        // Of many small members, most of the time would go into a large buffer.
        let length = usize::try_from(rest).map_or(READ_BUFFER, |rest| rest.clamp(1, READ_BUFFER));
        let mut buffer = vec![0; length];
        while self.current.is_some() {
            let read = self.read(&mut buffer)?;
            content.extend_from_slice(&buffer[..read]);
        }
        Ok(content)
    }

    /// Reads the current member and checks its digest.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn check(&mut self, buffer: &mut [u8]) -> Result<(), ReadError> {
        while self.current.is_some() {
            self.read(buffer)?;
        }
        Ok(())
    }

    fn explain(&self, error: ReadError) -> ReadError {
        match &self.source {
            Source::Archive {
                volumes: Some(volumes),
                ..
            } => volumes.explain(error),
            _ => error,
        }
    }
}

/// The size of a buffer for content.
pub(super) const READ_BUFFER: usize = 256 << 10;

/// Checks the digest of a member.
///
/// # Errors
///
/// [`ReadError::Digest`].
pub(super) fn check_digest(member: &Member, actual: String) -> Result<(), ReadError> {
    if actual == member.digest.as_str() {
        return Ok(());
    }
    let path = member.path.clone();
    Err(ReadError::Digest { path, actual })
}
