//! A directory with an image layout that is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atomic_file::{Mode, StagedFile};
use image_name::Digest;
use registry_client::{ContentHasher, LocalError};
use tempfile::NamedTempFile;

use super::blob_writing::BlobPlace;
use super::container::{Container, blob_path};
use super::error::ImageFileError;
use super::layout_index::{Entry, LayoutIndex};
use super::store::Chunks;
use crate::layout::OCI_LAYOUT;

/// A layout in a directory. Its other images and files stay.
#[derive(Debug)]
pub(super) struct LayoutWriter {
    root: PathBuf,
    /// The content that is there.
    pub(super) container: Container,
}

impl LayoutWriter {
    /// Opens a directory, which need not exist. Nothing is written before the first blob.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a file, and for a directory with other content.
    pub(super) fn open(place: String, root: &Path) -> Result<Self, ImageFileError> {
        let container = Container::directory(place, root);
        let entries = match fs::read_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(ImageFileError::io("read", root.display(), error)),
            Ok(mut entries) => entries.next(),
        };
        if !container.check_layout()? && entries.is_some() {
            let cause =
                "the directory has other files and no oci-layout: name an empty or a new one";
            return Err(ImageFileError::invalid(&container.place, cause));
        }
        Ok(Self {
            root: root.to_owned(),
            container,
        })
    }

    /// Returns the index, which is empty in a new layout.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for an index that is invalid.
    pub(super) fn index(&self) -> Result<LayoutIndex, ImageFileError> {
        match self.container.find("index.json")? {
            Some(_) => self.container.index(),
            None => Ok(LayoutIndex::empty()),
        }
    }

    /// Returns whether the layout has a blob with its digest. Its content is read: an interrupted program may
    /// have left a part.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a blob that cannot be read.
    pub(super) fn intact_size(&self, digest: &Digest) -> Result<Option<u64>, ImageFileError> {
        let Some(span) = self.container.blob(digest)? else {
            return Ok(None);
        };
        let mut hasher = HashingWriter(ContentHasher::for_digest(digest));
        let read = io::copy(&mut span.reader(), &mut hasher);
        read.map_err(|error| ImageFileError::io("read", digest, error))?;
        let is_intact = hasher.0.finish() == digest.as_str();
        Ok(is_intact.then_some(span.size))
    }

    /// Writes a blob to a temporary file, and moves it to its place if it has its digest.
    ///
    /// # Errors
    ///
    /// [`LocalError`].
    pub(super) async fn write_blob(
        &self,
        digest: &Digest,
        size: u64,
        chunks: Chunks,
    ) -> Result<(), LocalError> {
        let name = self.container.place.clone();
        let failed = |error: io::Error| LocalError::new(format!("cannot write {name}: {error}"));
        let staged = self.stage().map_err(failed)?;
        let file = staged.as_file().try_clone().map_err(failed)?;
        let place = BlobPlace {
            file: Arc::new(file),
            offset: 0,
            size,
            digest,
            name: &name,
        };
        place.write(chunks).await?;
        self.keep(staged, digest).map_err(failed)
    }

    /// Writes a manifest.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`].
    pub(super) fn write_manifest(
        &self,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), ImageFileError> {
        let write = || {
            let mut staged = self.stage()?;
            staged.write_all(bytes)?;
            self.keep(staged, digest)
        };
        write().map_err(|error| ImageFileError::io("write", &self.container.place, error))
    }

    /// Adds images to `index.json`, which others may write at the same time.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`].
    pub(super) fn put(&self, entry: Entry) -> Result<(), ImageFileError> {
        let failed = |error| ImageFileError::io("write", &self.container.place, error);
        let lock = self.lock().map_err(failed)?;
        let mut index = self.index()?;
        index.put(entry);
        let path = self.root.join("index.json");
        let staged = StagedFile::new(&path, &index.into_bytes(), Mode::Keep).map_err(failed)?;
        let done = staged.commit().map_err(failed);
        drop(lock);
        done
    }

    /// Creates `oci-layout`, and takes its lock.
    fn lock(&self) -> io::Result<File> {
        self.create()?;
        let file = OpenOptions::new()
            .read(true)
            .open(self.root.join("oci-layout"))?;
        file.lock()?;
        Ok(file)
    }

    fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.root.join("blobs"))?;
        let path = self.root.join("oci-layout");
        if fs::symlink_metadata(&path).is_ok() {
            return Ok(());
        }
        StagedFile::new(&path, OCI_LAYOUT, Mode::Keep)?.commit()
    }

    fn stage(&self) -> io::Result<NamedTempFile> {
        self.create()?;
        let mut builder = tempfile::Builder::new();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        builder
            .prefix(".tmp-")
            .permissions(permissions)
            .tempfile_in(&self.root)
    }

    fn keep(&self, staged: NamedTempFile, digest: &Digest) -> io::Result<()> {
        staged.as_file().sync_all()?;
        let path = self.root.join(blob_path(digest));
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
            staged.persist(&path)?;
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}

struct HashingWriter(ContentHasher);

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
