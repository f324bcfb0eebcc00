//! An image file that is written.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use image_name::{Digest, ManifestReference, Tag};
use oci_spec::distribution::Reference;
use registry_client::{InProcessRegistry, LocalError};

use super::archive_writer::ArchiveWriter;
use super::docker_document::WrittenContent;
use super::error::ImageFileError;
use super::image_names::{ImageNames, full_name};
use super::layout_index::{
    CONTAINERD_NAME, CONTAINERD_SUBJECT, DIGEST_TAG, Entry, LayoutIndex, REF_NAME,
};
use super::layout_view::{blocking, parsed, tag_subject};
use super::layout_writer::LayoutWriter;
use super::location::{ImageFile, Selector, Transport};
use super::registry::FileRegistry;
use super::span::Span;
use super::store::{Chunks, ImageStore, StoreFuture, StoredBlob, StoredManifest};
use crate::layout::docker_manifest_bytes;

/// A file to which an image is written.
#[derive(Debug, Clone)]
pub struct DestinationFile {
    /// The name of the file in the place of a host.
    pub host: String,
    /// The image, for a client to which the registry was added under this host.
    pub reference: Reference,
    /// The name of the image in the file.
    pub name: Option<String>,
    content: Arc<DestinationContent>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Notes for readers of the file.
    pub notes: Vec<String>,
}

#[derive(Debug)]
struct DestinationContent {
    transport: Transport,
    place: String,
    names: ImageNames,
    writer: Writer,
    written: Mutex<Written>,
}

#[derive(Debug)]
enum Writer {
    Layout(LayoutWriter),
    Archive(ArchiveWriter),
}

/// The manifests that were written, and the index of an archive.
#[derive(Debug)]
struct Written {
    manifests: HashMap<Digest, StoredManifest>,
    tags: HashMap<Tag, Digest>,
    index: LayoutIndex,
}

impl DestinationFile {
    /// Prepares a file. Nothing is written before the first blob.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a destination that cannot be written.
    pub fn open(file: &ImageFile) -> Result<Self, ImageFileError> {
        let place = file.place();
        let name = match &file.selector {
            Selector::Only => None,
            Selector::Name(name) => Some(name.as_str()),
            Selector::Position(position) => {
                let cause =
                    format!("@{position} is the position of a source: give the image a name");
                return Err(ImageFileError::invalid(place, cause));
            }
        };
        let writer = match file.transport {
            Transport::Oci => Writer::Layout(LayoutWriter::open(place.clone(), &file.path)?),
            Transport::OciArchive | Transport::DockerArchive => {
                let archive = ArchiveWriter::new(place.clone(), &file.path);
                let failed = |error| ImageFileError::io("write", file.path.display(), error);
                Writer::Archive(archive.map_err(failed)?)
            }
        };
        let names = ImageNames::new(name);
        let host = file.to_string();
        let repository = names.repository().to_owned();
        let content = DestinationContent {
            transport: file.transport,
            place,
            writer,
            written: Mutex::new(Written {
                manifests: HashMap::new(),
                tags: HashMap::new(),
                index: LayoutIndex::empty(),
            }),
            names,
        };
        Ok(Self {
            reference: Reference::with_tag(host.clone(), repository, content.names.tag.to_string()),
            host,
            name: content.names.name.clone(),
            content: Arc::new(content),
        })
    }

    /// Returns the registry that answers requests for the image.
    #[must_use]
    pub fn registry(&self) -> Arc<dyn InProcessRegistry> {
        Arc::new(FileRegistry::new(self.clone()))
    }

    /// Moves a written archive to its place, or removes its temporary file: `None` if no image was written,
    /// and the file is unchanged.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`]; the file is unchanged.
    pub fn finish(&self) -> Result<Option<WrittenFile>, ImageFileError> {
        let content = &self.content;
        let written = content.lock();
        let image = written.tags.get(&content.names.tag);
        match (&content.writer, image) {
            (Writer::Layout(_), image) => Ok(image.map(|_| WrittenFile { notes: Vec::new() })),
            (Writer::Archive(archive), image) => {
                let finished = image.map(|image| content.finish(archive, &written, image));
                archive.abandon();
                finished.transpose()
            }
        }
    }
}

impl DestinationContent {
    fn finish(
        &self,
        archive: &ArchiveWriter,
        written: &Written,
        image: &Digest,
    ) -> Result<WrittenFile, ImageFileError> {
        let content = WrittenContent {
            manifests: &written.manifests,
            has_blob: &|digest| archive.blob(digest).is_some(),
        };
        let name = self.names.name.as_deref().and_then(full_name);
        let mut notes = Vec::new();
        let mut documents = vec![("index.json", written.index.clone().into_bytes())];
        match content.docker_document(image, name) {
            Ok(document) => {
                let bytes = docker_manifest_bytes(std::slice::from_ref(&document.image));
                documents.push(("manifest.json", bytes));
                if let Some(platform) = &document.chosen
                    && self.transport == Transport::DockerArchive
                {
                    notes.push(format!(
                        "podman and docker load {platform} of it: a docker archive names one platform, and \
                         --platform chooses another"
                    ));
                }
            }
            Err(cause) if self.transport == Transport::DockerArchive => {
                let cause = format!("the image is none for a docker archive: {cause}");
                return Err(ImageFileError::invalid(&self.place, cause));
            }
            Err(cause) => tracing::debug!("{}: no manifest.json: {cause}", self.place),
        }
        let finished = archive.finish(&documents);
        finished.map_err(|error| ImageFileError::io("write", &self.place, error))?;
        Ok(WrittenFile { notes })
    }

    fn manifest(
        &self,
        reference: &ManifestReference,
    ) -> Result<Option<StoredManifest>, ImageFileError> {
        let written = self.lock();
        let digest = match reference {
            ManifestReference::Digest(digest) => Some(digest.clone()),
            ManifestReference::Tag(tag) => written.tags.get(tag).cloned(),
        };
        if let Some(found) = digest.and_then(|digest| written.manifests.get(&digest)) {
            return Ok(Some(found.clone()));
        }
        drop(written);
        let Writer::Layout(layout) = &self.writer else {
            return Ok(None);
        };
        let entry = match reference {
            ManifestReference::Digest(digest) => {
                if layout.intact_size(digest)?.is_none() {
                    return Ok(None);
                }
                return layout.container.manifest(digest, "");
            }
            ManifestReference::Tag(tag) => {
                let name = self.names.name_of(tag);
                let index = layout.index()?;
                let mut entries = index.entries.into_iter();
                entries.find(|entry| name.is_some() && entry.name() == name.as_deref())
            }
        };
        let Some(entry) = entry else {
            return Ok(None);
        };
        if layout.intact_size(&entry.digest)?.is_none() {
            return Ok(None);
        }
        layout.container.manifest(&entry.digest, &entry.media_type)
    }

    fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, ImageFileError> {
        match &self.writer {
            Writer::Layout(layout) => layout.intact_size(digest),
            Writer::Archive(archive) => Ok(archive.blob(digest).map(|span| span.size)),
        }
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Span>, ImageFileError> {
        match &self.writer {
            Writer::Layout(layout) => layout.container.blob(digest),
            Writer::Archive(archive) => Ok(archive.blob(digest)),
        }
    }

    fn tags(&self) -> Result<Vec<Tag>, ImageFileError> {
        let index = self.index()?;
        let names = index.entries.iter().filter_map(|entry| entry.name());
        Ok(names.filter_map(|name| self.names.tag_of(name)).collect())
    }

    fn index(&self) -> Result<LayoutIndex, ImageFileError> {
        match &self.writer {
            Writer::Layout(layout) => layout.index(),
            Writer::Archive(_) => Ok(self.lock().index.clone()),
        }
    }

    fn referrers(&self, subject: &Digest) -> Result<Vec<serde_json::Value>, ImageFileError> {
        let Writer::Layout(layout) = &self.writer else {
            // An archive is new: it has no referrers before those that are written.
            return Ok(Vec::new());
        };
        let mut found = layout.container.referrers(&layout.index()?, &self.names)?;
        Ok(found.remove(subject.as_str()).unwrap_or_default())
    }

    /// Writes a manifest. One with a tag, and a referrer, get a descriptor in the index.
    fn put(
        &self,
        reference: &ManifestReference,
        manifest: StoredManifest,
    ) -> Result<Option<Digest>, ImageFileError> {
        let content = parsed(&manifest).content();
        let content = content.map_err(|error| ImageFileError::invalid(&self.place, error))?;
        let subject = content.subject().map(|subject| subject.digest());
        let subject = subject.and_then(|subject| Digest::try_from(subject).ok());
        match &self.writer {
            Writer::Layout(layout) => layout.write_manifest(&manifest.digest, &manifest.bytes)?,
            Writer::Archive(archive) => {
                let written = archive.write_manifest(&manifest.digest, &manifest.bytes);
                written.map_err(|error| ImageFileError::io("write", &self.place, error))?;
            }
        }
        let annotations = match reference {
            ManifestReference::Tag(tag) => Some(self.annotations(tag, subject.as_ref())),
            ManifestReference::Digest(_) => subject.as_ref().map(subject_annotation),
        };
        let size = manifest.bytes.len() as u64;
        let mut written = self.lock();
        if let Some(annotations) = annotations {
            let entry = Entry::new(&manifest.media_type, &manifest.digest, size, annotations);
            match &self.writer {
                Writer::Layout(layout) => layout.put(entry)?,
                Writer::Archive(_) => written.index.put(entry),
            }
        }
        if let ManifestReference::Tag(tag) = reference {
            written.tags.insert(tag.clone(), manifest.digest.clone());
        }
        written.manifests.insert(manifest.digest.clone(), manifest);
        Ok(subject)
    }

    /// Returns the annotations of a tag: its name, for containerd and docker the full one, and the subject of
    /// a tag that is about a digest. Such a tag is a name in a directory, which regctl, oras and skopeo read;
    /// of an archive, containerd and docker would load it as an image.
    fn annotations(&self, tag: &Tag, subject: Option<&Digest>) -> BTreeMap<String, String> {
        let mut annotations = BTreeMap::new();
        let about = tag_subject(tag);
        if let Some(subject) = about.as_ref().or(subject) {
            annotations = subject_annotation(subject);
        }
        let Some(name) = self.names.name_of(tag) else {
            return annotations;
        };
        if about.is_some() && self.transport != Transport::Oci {
            annotations.insert(DIGEST_TAG.to_owned(), tag.to_string());
            return annotations;
        }
        if let Some(full) = full_name(&name).filter(|_| about.is_none()) {
            annotations.insert(CONTAINERD_NAME.to_owned(), full);
        }
        annotations.insert(REF_NAME.to_owned(), name);
        annotations
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn subject_annotation(subject: &Digest) -> BTreeMap<String, String> {
    [(CONTAINERD_SUBJECT.to_owned(), subject.to_string())].into()
}

impl ImageStore for DestinationFile {
    fn manifest<'a>(
        &'a self,
        reference: &'a ManifestReference,
    ) -> StoreFuture<'a, Option<StoredManifest>> {
        let (content, reference) = (Arc::clone(&self.content), reference.clone());
        Box::pin(blocking(move || content.manifest(&reference)))
    }

    fn blob_size<'a>(&'a self, digest: &'a Digest) -> StoreFuture<'a, Option<u64>> {
        let (content, digest) = (Arc::clone(&self.content), digest.clone());
        Box::pin(blocking(move || content.blob_size(&digest)))
    }

    fn read_blob<'a>(
        &'a self,
        digest: &'a Digest,
        offset: u64,
    ) -> StoreFuture<'a, Option<StoredBlob>> {
        Box::pin(async move {
            let (content, wanted) = (Arc::clone(&self.content), digest.clone());
            let found = blocking(move || content.blob(&wanted)).await?;
            Ok(found.map(|span| StoredBlob {
                size: span.size,
                chunks: span.chunks(offset, format!("{digest} of {}", self.content.place)),
            }))
        })
    }

    fn tags(&self) -> StoreFuture<'_, Vec<Tag>> {
        let content = Arc::clone(&self.content);
        Box::pin(blocking(move || content.tags()))
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> StoreFuture<'a, Vec<serde_json::Value>> {
        let (content, subject) = (Arc::clone(&self.content), subject.clone());
        Box::pin(blocking(move || content.referrers(&subject)))
    }

    fn write_blob<'a>(
        &'a self,
        digest: &'a Digest,
        size: u64,
        chunks: Chunks,
    ) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            match &self.content.writer {
                Writer::Layout(layout) => layout.write_blob(digest, size, chunks).await,
                Writer::Archive(archive) => archive.write_blob(digest, size, chunks).await,
            }
        })
    }

    fn write_manifest<'a>(
        &'a self,
        reference: &'a ManifestReference,
        manifest: StoredManifest,
    ) -> StoreFuture<'a, Option<Digest>> {
        let (content, reference) = (Arc::clone(&self.content), reference.clone());
        Box::pin(async move {
            blocking(move || content.put(&reference, manifest))
                .await
                .map_err(LocalError::new)
        })
    }
}
