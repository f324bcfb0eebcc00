//! A tar archive whose members are written concurrently at their final place.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use image_name::Digest;
use registry_client::LocalError;
use tar::{EntryType, Header};
use tempfile::NamedTempFile;

use super::blob_writing::BlobPlace;
use super::container::blob_path;
use super::span::Span;
use super::store::Chunks;
use crate::layout::OCI_LAYOUT;

/// The size of a header, and the unit of an archive.
const BLOCK: u64 = 512;

/// An archive beside the file that it will replace.
#[derive(Debug)]
pub(super) struct ArchiveWriter {
    /// The name for messages.
    place: String,
    target: PathBuf,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    temporary: NamedTempFile,
    file: Arc<File>,
    /// The end of the last member.
    end: u64,
    blobs: HashMap<Digest, Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    size: u64,
    is_written: bool,
}

impl ArchiveWriter {
    /// Prepares an archive. No file is created before the first blob.
    ///
    /// # Errors
    ///
    /// The target cannot be replaced.
    pub(super) fn new(place: String, target: &Path) -> io::Result<Self> {
        let target = atomic_file::resolve_link(target)?;
        match std::fs::metadata(&target) {
            Ok(found) if !found.is_file() => {
                let text = "it is no regular file, and an archive is one";
                return Err(io::Error::other(text));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::metadata(atomic_file::directory_of(&target))?;
        Ok(Self {
            place,
            target,
            state: Mutex::new(None),
        })
    }

    /// Returns a blob that was written.
    pub(super) fn blob(&self, digest: &Digest) -> Option<Span> {
        let state = self.lock();
        let state = state.as_ref()?;
        let place = state.blobs.get(digest).filter(|place| place.is_written)?;
        Some(Span {
            file: Arc::clone(&state.file),
            offset: place.offset,
            size: place.size,
        })
    }

    /// Writes a blob.
    ///
    /// # Errors
    ///
    /// [`LocalError`] for content of another size or digest, and if the file cannot be written.
    pub(super) async fn write_blob(
        &self,
        digest: &Digest,
        size: u64,
        chunks: Chunks,
    ) -> Result<(), LocalError> {
        let reserved = self.reserve(digest, size);
        let (file, offset) = reserved.map_err(|error| self.failed(&error))?;
        let place = BlobPlace {
            file,
            offset,
            size,
            digest,
            name: &self.place,
        };
        place.write(chunks).await?;
        self.set_written(digest);
        Ok(())
    }

    /// Writes a manifest.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write_manifest(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        if self.blob(digest).is_some() {
            return Ok(());
        }
        let (file, offset) = self.reserve(digest, bytes.len() as u64)?;
        file.write_all_at(bytes, offset)?;
        self.set_written(digest);
        Ok(())
    }

    /// Adds documents, ends the archive, and moves it to its place.
    ///
    /// # Errors
    ///
    /// A blob is incomplete, or the file cannot be written. The target is unchanged.
    pub(super) fn finish(&self, documents: &[(&str, Vec<u8>)]) -> io::Result<u64> {
        let Some(mut state) = self.lock().take() else {
            return Err(io::Error::other("nothing was written"));
        };
        let incomplete = state.blobs.iter().find(|(_, place)| !place.is_written);
        if let Some((digest, _)) = incomplete {
            return Err(io::Error::other(format!("the blob {digest} is incomplete")));
        }
        for (path, content) in documents {
            let offset = state.add(path, content.len() as u64)?;
            state.file.write_all_at(content, offset)?;
        }
        let end = state.end + 2 * BLOCK;
        state.file.set_len(end)?;
        state.file.sync_all()?;
        if let Ok(found) = std::fs::metadata(&self.target) {
            state.file.set_permissions(found.permissions())?;
        }
        state.temporary.persist(&self.target)?;
        File::open(atomic_file::directory_of(&self.target))?.sync_all()?;
        Ok(end)
    }

    /// Removes the temporary file, if there is one. The process may end before the archive is dropped.
    pub(super) fn abandon(&self) {
        drop(self.lock().take());
    }

    /// Returns the file and the place of a blob, whose header is written. After a failed write the place is
    /// used again.
    fn reserve(&self, digest: &Digest, size: u64) -> io::Result<(Arc<File>, u64)> {
        let mut state = self.lock();
        if state.is_none() {
            *state = Some(State::create(&self.target)?);
        }
        let Some(state) = state.as_mut() else {
            return Err(io::Error::other("the archive is closed"));
        };
        let known = state.blobs.get(digest).copied();
        let offset = match known {
            Some(place) if place.size == size => place.offset,
            Some(place) => {
                let text = format!("{digest} has {} bytes and {size} bytes", place.size);
                return Err(io::Error::other(text));
            }
            None => state.add(&blob_path(digest), size)?,
        };
        let place = Place {
            offset,
            size,
            is_written: false,
        };
        state.blobs.insert(digest.clone(), place);
        Ok((Arc::clone(&state.file), offset))
    }

    fn set_written(&self, digest: &Digest) {
        if let Some(place) = self
            .lock()
            .as_mut()
            .and_then(|state| state.blobs.get_mut(digest))
        {
            place.is_written = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &io::Error) -> LocalError {
        LocalError::new(format!("cannot write {}: {error}", self.place))
    }
}

impl State {
    fn create(target: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        // The umask narrows it.
        builder
            .prefix(".tmp-")
            .permissions(Permissions::from_mode(0o666));
        let temporary = builder.tempfile_in(atomic_file::directory_of(target))?;
        let mut state = Self {
            file: Arc::new(temporary.as_file().try_clone()?),
            temporary,
            end: 0,
            blobs: HashMap::new(),
        };
        // The first member shows the kind of the archive.
        let offset = state.add("oci-layout", OCI_LAYOUT.len() as u64)?;
        state.file.write_all_at(OCI_LAYOUT, offset)?;
        Ok(state)
    }

    /// Writes the header of a member. Returns the place of its content.
    fn add(&mut self, path: &str, size: u64) -> io::Result<u64> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        let bytes = path.as_bytes();
        if bytes.len() > 100 {
            self.add_long_name(bytes)?;
        }
        let short = &bytes[..bytes.len().min(100)];
        header.as_old_mut().name[..short.len()].copy_from_slice(short);
        self.add_header(&mut header, size)
    }

    /// Writes a name of more than 100 bytes, such as that of a sha512 blob, in the format of GNU tar.
    fn add_long_name(&mut self, name: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
        header.set_entry_type(EntryType::GNULongName);
        let offset = self.add_header(&mut header, name.len() as u64 + 1)?;
        self.file.write_all_at(name, offset)
    }

    fn add_header(&mut self, header: &mut Header, size: u64) -> io::Result<u64> {
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.file.write_all_at(header.as_bytes(), self.end)?;
        let offset = self.end + BLOCK;
        self.end = offset + size.next_multiple_of(BLOCK);
        // The bytes after the content are zeros.
        self.file.set_len(self.end)?;
        Ok(offset)
    }
}
