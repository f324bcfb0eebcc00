//! A layout from the view of one image: its repository's tags, manifests and referrers.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use image_name::{Digest, DigestTagKind, Tag};
use registry_client::{Content, LocalError, Manifest};
use serde_json::{Value, json};

use super::container::{Container, blob_path};
use super::error::ImageFileError;
use super::image_names::ImageNames;
use super::layout_index::{Entry, LayoutIndex, MAX_INDEX};
use super::store::StoredManifest;

/// The maximum size of a manifest in bytes, that of registries.
pub(super) const MAX_MANIFEST: u64 = 8 * 1024 * 1024;
/// The maximum size of `oci-layout` in bytes.
const MAX_OCI_LAYOUT: u64 = 64 * 1024;
/// The maximum number of referrers: one manifest may be the referrers list of many subjects.
const MAX_REFERRERS: usize = 400_000;
/// The version of the layout.
const VERSION: &str = "1.0.0";

/// The descriptors of referrers by their subjects.
pub(super) type ReferrerMap = HashMap<String, Vec<Value>>;

impl Container {
    /// Checks `oci-layout`. Returns false if the container has none.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for another version of the layout.
    pub(super) fn check_layout(&self) -> Result<bool, ImageFileError> {
        let Some(bytes) = self.document("oci-layout", MAX_OCI_LAYOUT)? else {
            return Ok(false);
        };
        let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match document["imageLayoutVersion"].as_str() {
            Some(VERSION) => Ok(true),
            Some(version) => {
                let version = super::error::printable(version);
                let cause = format!(
                    "it has version {version} of the image layout, and only {VERSION} is known"
                );
                Err(ImageFileError::invalid(&self.place, cause))
            }
            None => {
                let cause = "oci-layout has no imageLayoutVersion";
                Err(ImageFileError::invalid(&self.place, cause))
            }
        }
    }

    /// Reads `index.json`.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for an index that is missing or invalid.
    pub(super) fn index(&self) -> Result<LayoutIndex, ImageFileError> {
        let invalid = |cause: String| ImageFileError::invalid(&self.place, cause);
        let bytes = self.document("index.json", MAX_INDEX)?;
        let bytes = bytes.ok_or_else(|| invalid("it has no index.json".to_owned()))?;
        LayoutIndex::parse(&bytes).map_err(invalid)
    }

    /// Returns a manifest by its digest. `media_type` is that of its descriptor, if it has one.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a manifest that cannot be read.
    pub(super) fn manifest(
        &self,
        digest: &Digest,
        media_type: &str,
    ) -> Result<Option<StoredManifest>, ImageFileError> {
        let bytes = self.document(&blob_path(digest), MAX_MANIFEST)?;
        Ok(bytes.map(|bytes| StoredManifest {
            bytes: Bytes::from(bytes),
            media_type: media_type.to_owned(),
            digest: digest.clone(),
        }))
    }

    /// Returns the referrers that the index lists, by subject. A manifest with a subject is one; so is what
    /// an index under the tag of the tag schema lists.
    ///
    /// # Errors
    ///
    /// [`ImageFileError`] for a manifest that cannot be read.
    pub(super) fn referrers(
        &self,
        index: &LayoutIndex,
        names: &ImageNames,
    ) -> Result<ReferrerMap, ImageFileError> {
        let mut found = Referrers::default();
        for (digest, entries) in by_digest(index) {
            let is_small = entries.iter().any(|entry| entry.size <= MAX_MANIFEST);
            let manifest = is_small.then(|| self.manifest(digest, &entries[0].media_type));
            let Some(manifest) = manifest.transpose()?.flatten() else {
                continue;
            };
            let manifest = parsed(&manifest);
            let Ok(content) = manifest.content() else {
                continue;
            };
            if let Some(subject) = content.subject() {
                let descriptor = descriptor(&manifest, &content);
                found.add(subject.digest().as_ref(), &descriptor);
            }
            let tags = entries
                .iter()
                .filter_map(|entry| names.tag_of(entry.name()?));
            let mut subjects = tags.filter_map(schema_subject).peekable();
            if subjects.peek().is_none() || !matches!(content, Content::Index { .. }) {
                continue;
            }
            let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
            for subject in subjects {
                let listed = document["manifests"].as_array().into_iter().flatten();
                listed.for_each(|descriptor| found.add(&subject, descriptor));
                if found.known.len() > MAX_REFERRERS {
                    let cause = format!("the layout lists more than {MAX_REFERRERS} referrers");
                    return Err(ImageFileError::invalid(&self.place, cause));
                }
            }
        }
        Ok(found.by_subject)
    }
}

/// Returns the entries of each manifest: several entries may have the same manifest.
fn by_digest(index: &LayoutIndex) -> Vec<(&Digest, Vec<&Entry>)> {
    let mut positions: HashMap<&Digest, usize> = HashMap::new();
    let mut grouped: Vec<(&Digest, Vec<&Entry>)> = Vec::new();
    for entry in &index.entries {
        let position = *positions.entry(&entry.digest).or_insert(grouped.len());
        match grouped.get_mut(position) {
            Some((_, entries)) => entries.push(entry),
            None => grouped.push((&entry.digest, vec![entry])),
        }
    }
    grouped
}

/// The referrers that were found.
#[derive(Debug, Default)]
struct Referrers {
    by_subject: ReferrerMap,
    /// The subject and the digest of each.
    known: HashSet<(String, String)>,
}

impl Referrers {
    /// Adds a descriptor that is not there yet.
    fn add(&mut self, subject: &str, descriptor: &Value) {
        let digest = descriptor["digest"].as_str().unwrap_or_default();
        if self.known.insert((subject.to_owned(), digest.to_owned())) {
            let listed = self.by_subject.entry(subject.to_owned());
            listed.or_default().push(descriptor.clone());
        }
    }
}

/// Returns the subject of a tag of the tag schema, `sha256-HEX`.
fn schema_subject(tag: Tag) -> Option<String> {
    let (algorithm, hex) = tag.as_str().split_once('-')?;
    let subject: Digest = format!("{algorithm}:{hex}").parse().ok()?;
    let kind = subject.tag_kind(tag.as_str())?;
    (kind == DigestTagKind::Referrers).then(|| subject.to_string())
}

/// Returns the digest that a tag is about, such as `sha256-HEX.sig`.
pub(super) fn tag_subject(tag: &Tag) -> Option<Digest> {
    let part = tag.digest_part()?;
    let (algorithm, hex) = part.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Returns the manifest for parsing.
pub(super) fn parsed(manifest: &StoredManifest) -> Manifest {
    Manifest {
        bytes: manifest.bytes.clone(),
        media_type: manifest.media_type.clone(),
        digest: manifest.digest.clone(),
    }
}

/// Returns the descriptor of a referrer, as a registry lists it.
fn descriptor(manifest: &Manifest, content: &Content) -> Value {
    let document: Value = serde_json::from_slice(&manifest.bytes).unwrap_or_default();
    let media_type = document["mediaType"]
        .as_str()
        .unwrap_or(&manifest.media_type);
    let mut descriptor = json!({
        "mediaType": media_type,
        "digest": manifest.digest.as_str(),
        "size": manifest.bytes.len(),
    });
    let artifact_type = document["artifactType"].as_str();
    let config_type = || document["config"]["mediaType"].as_str();
    if let Some(artifact_type) = artifact_type.or_else(config_type) {
        descriptor["artifactType"] = artifact_type.into();
    }
    let annotations = document["annotations"].as_object();
    if let (Some(annotations), Content::Image { .. }) = (annotations, content) {
        descriptor["annotations"] = Value::Object(annotations.clone());
    }
    descriptor
}

/// Returns the entries that are images: neither attached to another manifest nor named after one.
pub(super) fn images<'a>(index: &'a LayoutIndex, referrers: &ReferrerMap) -> Vec<&'a Entry> {
    let attached: HashSet<_> = referrers
        .values()
        .flatten()
        .filter_map(|descriptor| descriptor["digest"].as_str())
        .collect();
    let is_image = |entry: &&Entry| {
        let tag = entry.name().map(|name| ImageNames::new(Some(name)).tag);
        entry.subject().is_none()
            && !attached.contains(entry.digest.as_str())
            && tag.is_none_or(|tag| tag.digest_part().is_none())
    };
    index.entries.iter().filter(is_image).collect()
}

/// Runs work with files on a thread for it.
///
/// # Errors
///
/// The error of the work.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageFileError> + Send + 'static,
) -> Result<T, LocalError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(LocalError::new),
        Err(error) => Err(LocalError::new(error)),
    }
}
