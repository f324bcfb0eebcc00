//! The content of a bundle by digest, for a bundle that can be read at any position.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use image_name::Digest;
use registry_client::ContentHasher;

use super::directory::Directory;
use super::error::ReadError;
use super::head::Head;
use super::opened::{Opened, READ_BUFFER, check_digest};
use super::volumes::Volumes;
use crate::contents::Member;

/// The content of an archive that is not compressed, or of a directory.
#[derive(Debug)]
pub struct Store {
    head: Arc<Head>,
    places: HashMap<Digest, Place>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Archive(Arc<Volumes>),
    Directory(Directory),
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// The index of the member.
    index: usize,
    /// The position of its content in the archive.
    start: u64,
}

/// Opened content.
#[derive(Debug)]
pub struct StoredContent {
    /// The size in bytes.
    pub size: u64,
    bytes: ContentBytes,
}

#[derive(Debug)]
enum ContentBytes {
    Archive { volumes: Arc<Volumes>, start: u64 },
    File(File),
}

impl Store {
    /// Looks for every member, without reading its content.
    ///
    /// # Errors
    ///
    /// [`ReadError`] for a member that is missing, has another size, or is not in the list.
    pub fn new(opened: Opened) -> Result<Self, ReadError> {
        let head = Arc::clone(opened.head());
        let mut places = HashMap::new();
        let mut add = |index: usize, start: u64| {
            if let Some(digest) = head.contents.members[index].path.digest() {
                let place = Place { index, start };
                places.entry(digest.clone()).or_insert(place);
            }
        };
        let source = match opened {
            Opened::Archive {
                volumes,
                mut reader,
            } => {
                let mut scan = || -> Result<(), ReadError> {
                    while let Some(index) = reader.next_member()? {
                        add(index, reader.position());
                    }
                    Ok(())
                };
                scan().map_err(|error| volumes.explain(error))?;
                Source::Archive(volumes)
            }
            Opened::Directory(directory) => {
                for (index, member) in head.contents.members.iter().enumerate() {
                    directory.open_member(member)?;
                    add(index, 0);
                }
                Source::Directory(directory)
            }
        };
        Ok(Self {
            head,
            places,
            source,
        })
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Returns the size of content, `None` if the bundle does not have it.
    #[must_use]
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        let place = self.places.get(digest)?;
        Some(self.member(*place).size)
    }

    fn member(&self, place: Place) -> &Member {
        &self.head.contents.members[place.index]
    }

    /// Opens content, `None` if the bundle does not have it. Its digest is not checked.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn open(&self, digest: &Digest) -> Result<Option<StoredContent>, ReadError> {
        let Some(place) = self.places.get(digest) else {
            return Ok(None);
        };
        let member = self.member(*place);
        let bytes = match &self.source {
            Source::Archive(volumes) => ContentBytes::Archive {
                volumes: Arc::clone(volumes),
                start: place.start,
            },
            Source::Directory(directory) => ContentBytes::File(directory.open_member(member)?),
        };
        Ok(Some(StoredContent {
            size: member.size,
            bytes,
        }))
    }

    /// Reads content of at most `maximum` bytes and checks its digest. `None` if the bundle does not have it,
    /// or it is larger.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn document(&self, digest: &Digest, maximum: u64) -> Result<Option<Bytes>, ReadError> {
        let content = self.open(digest)?;
        let Some(content) = content.filter(|content| content.size <= maximum) else {
            return Ok(None);
        };
        let (mut bytes, mut hasher) = (Vec::new(), ContentHasher::for_digest(digest));
        while (bytes.len() as u64) < content.size {
            let chunk = content
                .chunk(bytes.len() as u64)
                .map_err(|error| self.explain(error))?;
            hasher.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        if let Some(place) = self.places.get(digest) {
            let checked = check_digest(self.member(*place), hasher.finish());
            checked.map_err(|error| self.explain(error))?;
        }
        Ok(Some(bytes.into()))
    }

    /// Reads content and checks its digest.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn check(&self, digest: &Digest) -> Result<(), ReadError> {
        let Some((content, place)) = self.open(digest)?.zip(self.places.get(digest)) else {
            return Ok(());
        };
        let checked = || {
            let (mut position, mut hasher) = (0, ContentHasher::for_digest(digest));
            while position < content.size {
                let chunk = content.chunk(position)?;
                hasher.update(&chunk);
                position += chunk.len() as u64;
            }
            check_digest(self.member(*place), hasher.finish())
        };
        checked().map_err(|error| self.explain(error))
    }

    /// Returns the cause of an error: the damaged volumes, if their checksums show them.
    #[must_use]
    pub fn explain(&self, error: ReadError) -> ReadError {
        match &self.source {
            Source::Archive(volumes) => volumes.explain(error),
            Source::Directory(_) => error,
        }
    }
}

impl StoredContent {
    /// Reads a chunk at a position before the end.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`], also if the file has become shorter.
    pub fn chunk(&self, position: u64) -> Result<Bytes, ReadError> {
        let rest = self.size.saturating_sub(position);
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(READ_BUFFER);
        let mut buffer = vec![0; length];
        let read = match &self.bytes {
            ContentBytes::Archive { volumes, start } => {
                volumes.read_at(&mut buffer, start + position)
            }
            ContentBytes::File(file) => file.read_at(&mut buffer, position),
        };
        let read = match read {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        };
        let read = read.map_err(|error: io::Error| ReadError::io("the bundle", error))?;
        buffer.truncate(read);
        Ok(buffer.into())
    }
}
