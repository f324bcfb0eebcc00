//! The entries of `index.json`: the images by their names, and what is attached to them.

use std::collections::HashSet;

use image_name::{ManifestReference, RepositoryName};

use super::planned_image::PlannedImage;
use super::walk::Collected;
use crate::contents::NamedBy;
use crate::layout::{Index, IndexEntry};
use crate::recording::Recorded;

/// Returns the name of an image in the layout.
pub(super) fn name(image: &PlannedImage, names: NamedBy) -> (&RepositoryName, &ManifestReference) {
    match names {
        NamedBy::Destination => (&image.destination, &image.destination_tag),
        NamedBy::Source => (&image.source, &image.tag),
    }
}

/// Returns the name with the tag, `None` for an image without one.
pub(super) fn tagged_name(image: &PlannedImage, names: NamedBy) -> Option<String> {
    let (repository, tag) = name(image, names);
    Some(format!("{}:{}", repository.full(), tag.tag()?))
}

/// Returns the index of a layout. Manifests that the archive does not have are left out of it: others
/// fail to read the whole layout if one is missing.
pub(super) fn index<'a>(
    recorded: &Recorded,
    collected: &Collected,
    names: NamedBy,
    images: impl Iterator<Item = &'a PlannedImage> + Clone,
    form: EntryForm,
) -> Index {
    let mut entries = Entries {
        recorded,
        collected,
        entries: Vec::new(),
        seen: HashSet::new(),
    };
    for image in images.clone() {
        let (repository, tag) = name(image, names);
        match form {
            EntryForm::FullNames => {
                entries.add(&image.digest, |entry| entry.with_full_name(repository, tag));
                let by_digest = image.digest.clone().into();
                entries.add(&image.digest, |entry| {
                    entry.with_full_name(repository, &by_digest)
                });
            }
            EntryForm::Tags => match tag.tag() {
                Some(_) => entries.add(&image.digest, |entry| entry.with_tag(tag)),
                None => entries.add(&image.digest, |entry| entry),
            },
        }
    }
    for attached in images.flat_map(|image| &image.attached) {
        match form {
            EntryForm::Tags if attached.kind != image_name::DigestTagKind::Referrers => {
                let tag = attached.tag().into();
                entries.add(&attached.digest, |entry| entry.with_tag(&tag));
            }
            _ => entries.add(&attached.digest, |entry| {
                entry.with_subject(&attached.subject)
            }),
        }
    }
    Index::new(entries.entries)
}

/// The form of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryForm {
    /// Full names with tag and with digest.
    FullNames,
    /// Tags, in the layout of one repository.
    Tags,
}

struct Entries<'a> {
    recorded: &'a Recorded,
    collected: &'a Collected,
    entries: Vec<IndexEntry>,
    seen: HashSet<String>,
}

impl Entries<'_> {
    fn add(&mut self, digest: &image_name::Digest, named: impl FnOnce(IndexEntry) -> IndexEntry) {
        if !self.collected.manifest_paths.contains_key(digest) {
            return;
        }
        let Some(stored) = self.recorded.manifest(digest) else {
            return;
        };
        let entry = IndexEntry::new(stored.media_type(), digest.clone(), stored.size());
        let mut entry = named(entry);
        if entry.subject().is_some() {
            entry.artifact_type = stored.artifact_type().map(ToOwned::to_owned);
        }
        let names = [entry.ref_name(), entry.subject()];
        let key = format!("{digest} {names:?}");
        if self.seen.insert(key) {
            self.entries.push(entry);
        }
    }
}
