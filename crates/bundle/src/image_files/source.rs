//! An image file that is read.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use image_name::{Digest, ManifestReference, Tag};
use oci_spec::distribution::Reference;
use registry_client::{InProcessRegistry, LocalError};

use super::container::Container;
use super::docker_archive;
use super::error::ImageFileError;
use super::image_names::{ImageNames, full_name};
use super::layout_index::{Entry, LayoutIndex};
use super::layout_view::{ReferrerMap, blocking, images};
use super::location::{ImageFile, Selector, Transport};
use super::registry::FileRegistry;
use super::span::Span;
use super::store::{Chunks, ImageStore, StoreFuture, StoredBlob, StoredManifest};
use super::synthesized::SynthesizedImage;
use crate::contents::{CONTENTS_FILE, Contents, MAX_CONTENTS};

/// An image in a file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The name of the file in the place of a host.
    pub host: String,
    /// The image, for a client to which the registry was added under this host.
    pub reference: Reference,
    /// The digest of the image.
    pub digest: Digest,
    /// The name of the image in the file.
    pub name: Option<String>,
    content: Arc<SourceContent>,
}

#[derive(Debug)]
struct SourceContent {
    container: Container,
    index: LayoutIndex,
    names: ImageNames,
    image: Digest,
    /// The image of a docker archive without a layout.
    synthesized: Option<SynthesizedImage>,
    referrers: OnceLock<ReferrerMap>,
    /// The media types of the index by digest.
    media_types: HashMap<Digest, String>,
    /// The digest tags that are no names.
    digest_tags: HashMap<Tag, Digest>,
}

impl SourceFile {
    /// Opens a file and finds the image in it. Blobs are not read, except for the layers of a docker archive
    /// without digests.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`].
    pub fn open(file: &ImageFile) -> Result<Self, ImageFileError> {
        let place = file.place();
        let container = match file.transport {
            Transport::Oci => Container::directory(place, &file.path),
            Transport::OciArchive | Transport::DockerArchive => {
                Container::archive(place, &file.path)?
            }
        };
        let content = if file.transport == Transport::DockerArchive {
            let found = docker_archive::find(&container, &file.selector)?;
            let names = ImageNames::new(found.name.as_deref());
            match found.entry {
                Some((entry, index)) => {
                    SourceContent::new(container, index, names, entry.digest, None)
                }
                None => {
                    let image = SynthesizedImage::read(&container, &found.image)?;
                    let digest = image.digest().clone();
                    let index = LayoutIndex::empty();
                    SourceContent::new(container, index, names, digest, Some(image))
                }
            }
        } else {
            Self::find_in_layout(container, file)?
        };
        Ok(Self::new(file, content))
    }

    fn find_in_layout(
        container: Container,
        file: &ImageFile,
    ) -> Result<SourceContent, ImageFileError> {
        if !container.check_layout()? {
            let missing = std::fs::symlink_metadata(&file.path).err();
            if let Some(error) = missing {
                return Err(ImageFileError::io("read", file.path.display(), error));
            }
            let cause = match container.find("manifest.json") {
                Ok(Some(_)) => {
                    "it is no OCI layout but a docker archive: name it docker-archive:FILE"
                }
                _ => "it is no OCI image layout: it has no file oci-layout",
            };
            return Err(ImageFileError::invalid(&container.place, cause));
        }
        let index = container.index()?;
        let entry = select(&container, &index, &file.selector)?;
        let names = ImageNames::new(entry.name());
        let digest = entry.digest.clone();
        Ok(SourceContent::new(container, index, names, digest, None))
    }

    fn new(file: &ImageFile, content: SourceContent) -> Self {
        let host = file.to_string();
        let names = &content.names;
        let repository = names.repository().to_owned();
        let reference = if names.is_tagged {
            Reference::with_tag(host.clone(), repository, names.tag.to_string())
        } else {
            Reference::with_digest(host.clone(), repository, content.image.to_string())
        };
        Self {
            host,
            reference,
            digest: content.image.clone(),
            name: names.name.clone(),
            content: Arc::new(content),
        }
    }

    /// Returns the tag in the name of the image, if it has one.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        let names = &self.content.names;
        names.is_tagged.then_some(&names.tag)
    }

    /// Returns the registry that answers requests for the image.
    #[must_use]
    pub fn registry(&self) -> Arc<dyn InProcessRegistry> {
        Arc::new(FileRegistry::new(self.clone()))
    }
}

/// Returns the image of a layout that a selector chooses.
fn select<'a>(
    container: &Container,
    index: &'a LayoutIndex,
    selector: &Selector,
) -> Result<&'a Entry, ImageFileError> {
    let place = || container.place.clone();
    let referrers = || container.referrers(index, &ImageNames::new(None));
    let no_image = |wanted: String, referrers: &ReferrerMap| ImageFileError::NoImage {
        place: place(),
        wanted,
        names: names_of(&images(index, referrers)),
    };
    match selector {
        Selector::Position(position) => match index.entries.get(*position) {
            Some(entry) => Ok(entry),
            None => Err(no_image(format!("@{position}"), &referrers()?)),
        },
        Selector::Name(name) => match named(index, name)[..] {
            [entry] => Ok(entry),
            [] => Err(no_image(name.clone(), &referrers()?)),
            ref several => Err(ImageFileError::Several {
                place: place(),
                names: names_of(several),
            }),
        },
        Selector::Only => {
            let images = images(index, &referrers()?);
            match distinct(images.clone())[..] {
                [entry] => Ok(entry),
                [] => Err(ImageFileError::invalid(place(), "it has no image")),
                _ => Err(ImageFileError::Several {
                    place: place(),
                    names: names_of(&images),
                }),
            }
        }
    }
}

/// Returns the images of a name: with equal names, else those that mean the same image, else those of this
/// tag.
fn named<'a>(index: &'a LayoutIndex, name: &str) -> Vec<&'a Entry> {
    let full = full_name(name);
    let suffix = format!(":{name}");
    let is_equal = |entry: &&Entry| [entry.name(), entry.containerd_name()].contains(&Some(name));
    let means_the_same = |entry: &&Entry| {
        let names = [entry.name(), entry.containerd_name()]
            .into_iter()
            .flatten();
        full.is_some() && names.map(full_name).any(|found| found == full)
    };
    let has_tag = |entry: &&Entry| {
        !name.contains([':', '/']) && entry.name().is_some_and(|found| found.ends_with(&suffix))
    };
    let find = |matches: &dyn Fn(&&'a Entry) -> bool| {
        distinct(index.entries.iter().filter(matches).collect())
    };
    let found = find(&is_equal);
    if !found.is_empty() {
        return found;
    }
    let found = find(&means_the_same);
    if found.is_empty() {
        find(&has_tag)
    } else {
        found
    }
}

/// Returns one entry for each digest, one with a name before others.
fn distinct(mut entries: Vec<&Entry>) -> Vec<&Entry> {
    entries.sort_by_key(|entry| (entry.digest.as_str(), rank(entry)));
    entries.dedup_by_key(|entry| &entry.digest);
    entries
}

/// Returns a low number for a name with a tag.
fn rank(entry: &Entry) -> u8 {
    match entry.name() {
        Some(name) if !name.contains('@') => 0,
        Some(_) => 1,
        None => 2,
    }
}

fn names_of(entries: &[&Entry]) -> Vec<String> {
    let names = entries.iter().map(|entry| match entry.name() {
        Some(name) => super::error::printable(name),
        None => format!("{} (without a name)", entry.digest),
    });
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the digest tags that the contents of a bundle list.
fn bundle_tags(container: &Container) -> Vec<(Tag, Digest)> {
    let Ok(Some(bytes)) = container.document(CONTENTS_FILE, MAX_CONTENTS) else {
        return Vec::new();
    };
    let contents = match Contents::parse(&bytes) {
        Ok(contents) => contents,
        Err(error) => {
            let place = &container.place;
            tracing::warn!(
                "{place}: {CONTENTS_FILE} is not read, so digest tags may be missing: {error}"
            );
            return Vec::new();
        }
    };
    let attached = contents.images.into_iter().flat_map(|image| image.attached);
    attached
        .filter_map(|manifest| Some((manifest.tag?, manifest.digest)))
        .collect()
}

impl SourceContent {
    fn new(
        container: Container,
        index: LayoutIndex,
        names: ImageNames,
        image: Digest,
        synthesized: Option<SynthesizedImage>,
    ) -> Self {
        let entries = index.entries.iter();
        let media_types = entries.map(|entry| (entry.digest.clone(), entry.media_type.clone()));
        let tagged = index.entries.iter();
        let tagged = tagged.filter_map(|entry| Some((entry.digest_tag()?, entry.digest.clone())));
        Self {
            digest_tags: tagged.chain(bundle_tags(&container)).collect(),
            media_types: media_types.collect(),
            container,
            index,
            names,
            image,
            synthesized,
            referrers: OnceLock::new(),
        }
    }

    fn manifest(
        &self,
        reference: &ManifestReference,
    ) -> Result<Option<StoredManifest>, ImageFileError> {
        let Some(digest) = self.digest_of(reference) else {
            return Ok(None);
        };
        if let Some(image) = &self.synthesized {
            return Ok(Some(image.manifest().clone()).filter(|found| found.digest == digest));
        }
        let media_type = self.media_types.get(&digest).map_or("", String::as_str);
        self.container.manifest(&digest, media_type)
    }

    fn digest_of(&self, reference: &ManifestReference) -> Option<Digest> {
        let tag = match reference {
            ManifestReference::Digest(digest) => return Some(digest.clone()),
            ManifestReference::Tag(tag) => tag,
        };
        if *tag == self.names.tag {
            return Some(self.image.clone());
        }
        let entries = self.index.entries.iter();
        let mut tags = entries.filter_map(|entry| Some((entry, self.names.tag_of(entry.name()?)?)));
        let found = tags.find(|(_, found)| found == tag);
        let found = found.map(|(entry, _)| entry.digest.clone());
        found.or_else(|| self.digest_tags.get(tag).cloned())
    }

    fn blob(&self, digest: &Digest) -> Result<Option<Span>, ImageFileError> {
        match &self.synthesized {
            Some(image) => Ok(image.blob(digest).cloned()),
            None => self.container.blob(digest),
        }
    }

    fn tags(&self) -> Vec<Tag> {
        let entries = self.index.entries.iter().filter_map(|entry| entry.name());
        let tags = entries.filter_map(|name| self.names.tag_of(name));
        let own = self.names.is_tagged.then(|| self.names.tag.clone());
        let others = self.digest_tags.keys().cloned();
        let all = tags.chain(own).chain(others);
        let all: BTreeSet<_> = all.map(|tag| tag.to_string()).collect();
        all.iter().filter_map(|tag| tag.parse().ok()).collect()
    }

    fn referrers(&self, subject: &Digest) -> Result<Vec<serde_json::Value>, ImageFileError> {
        let found = match self.referrers.get() {
            Some(found) => found,
            None => {
                let found = self.container.referrers(&self.index, &self.names)?;
                self.referrers.get_or_init(|| found)
            }
        };
        Ok(found.get(subject.as_str()).cloned().unwrap_or_default())
    }
}

impl ImageStore for SourceFile {
    fn manifest<'a>(
        &'a self,
        reference: &'a ManifestReference,
    ) -> StoreFuture<'a, Option<StoredManifest>> {
        let (content, reference) = (Arc::clone(&self.content), reference.clone());
        Box::pin(blocking(move || content.manifest(&reference)))
    }

    fn blob_size<'a>(&'a self, digest: &'a Digest) -> StoreFuture<'a, Option<u64>> {
        let (content, digest) = (Arc::clone(&self.content), digest.clone());
        Box::pin(blocking(move || {
            Ok(content.blob(&digest)?.map(|span| span.size))
        }))
    }

    fn read_blob<'a>(
        &'a self,
        digest: &'a Digest,
        offset: u64,
    ) -> StoreFuture<'a, Option<StoredBlob>> {
        Box::pin(async move {
            let (content, wanted) = (Arc::clone(&self.content), digest.clone());
            let found = blocking(move || content.blob(&wanted)).await?;
            let place = &self.content.container.place;
            let Some(span) = found else {
                return Err(LocalError::new(format!("{place} has no blob {digest}")));
            };
            Ok(Some(StoredBlob {
                size: span.size,
                chunks: span.chunks(offset, format!("{digest} of {place}")),
            }))
        })
    }

    fn tags(&self) -> StoreFuture<'_, Vec<Tag>> {
        Box::pin(async { Ok(self.content.tags()) })
    }

    fn referrers<'a>(&'a self, subject: &'a Digest) -> StoreFuture<'a, Vec<serde_json::Value>> {
        let (content, subject) = (Arc::clone(&self.content), subject.clone());
        Box::pin(blocking(move || content.referrers(&subject)))
    }

    fn write_blob<'a>(&'a self, _: &'a Digest, _: u64, _: Chunks) -> StoreFuture<'a, ()> {
        Box::pin(async { Err(self.is_read_only()) })
    }

    fn write_manifest<'a>(
        &'a self,
        _: &'a ManifestReference,
        _: StoredManifest,
    ) -> StoreFuture<'a, Option<Digest>> {
        Box::pin(async { Err(self.is_read_only()) })
    }
}

impl SourceFile {
    fn is_read_only(&self) -> LocalError {
        LocalError::new(format!("{} is a source, which is not written", self.host))
    }
}
