//! The positions of the members in an archive.

use crate::contents::{CONTENTS_FILE, MemberPath};
use crate::plan::{ExportPlan, PlannedBlob};

use super::tar_format::{END, header, header_length, padding};

/// The positions of the blobs in an archive of one layout.
#[derive(Debug)]
pub(super) struct ArchiveMap {
    /// The position of the header of each blob.
    pub(super) blobs: Vec<u64>,
    /// The position of the end.
    pub(super) end: u64,
}

impl ArchiveMap {
    pub(super) fn new(plan: &ExportPlan) -> Self {
        let head = head_members(plan);
        let mut position = head.map(|(path, size, _)| length(&path, size)).sum();
        let blobs = plan.blobs.iter().map(|blob| {
            let start = position;
            position += length(&blob_path(blob), blob.size);
            start
        });
        let blobs = blobs.collect();
        Self {
            blobs,
            end: position,
        }
    }

    /// Returns the size of the archive.
    pub(super) fn size(&self) -> u64 {
        self.end + END.len() as u64
    }
}

/// Returns the exact size of the uncompressed archive in bytes.
#[must_use]
pub fn archive_size(plan: &ExportPlan) -> u64 {
    ArchiveMap::new(plan).size()
}

/// Returns the path of a blob in an archive of one layout.
pub(super) fn blob_path(blob: &PlannedBlob) -> String {
    MemberPath::blob(blob.digest.clone()).to_string()
}

fn length(path: &str, size: u64) -> u64 {
    header_length(path) + size + padding(size)
}

/// The content of a member before the first blob.
type Bytes<'a> = Box<dyn FnOnce() -> Vec<u8> + 'a>;

/// Returns the members before the first blob: path, size, bytes.
pub(super) fn head_members(
    plan: &ExportPlan,
) -> impl Iterator<Item = (String, u64, Bytes<'_>)> + '_ {
    let contents = std::iter::once((CONTENTS_FILE.to_owned(), &plan.contents_bytes));
    let signature = plan.signature.iter();
    let signature = signature.map(|signature| (signature.file.to_owned(), &signature.bytes));
    let documents = plan.documents.iter();
    let documents = documents.map(|document| (document.path.to_string(), &document.bytes));
    let documents = contents.chain(signature).chain(documents);
    let documents = documents.map(|(path, bytes)| {
        let content = Box::new(|| bytes.clone()) as Bytes<'_>;
        (path, bytes.len() as u64, content)
    });
    let manifests = plan.manifests.iter().map(|(_, stored)| {
        let path = MemberPath::blob(stored.digest().clone()).to_string();
        let bytes = Box::new(|| stored.manifest().bytes.to_vec()) as Bytes<'_>;
        (path, stored.size(), bytes)
    });
    documents.chain(manifests)
}

/// Returns the bytes of an archive before the first blob, member by member.
pub(super) fn head_bytes(plan: &ExportPlan) -> impl Iterator<Item = Vec<u8>> + '_ {
    head_members(plan).map(|(path, size, content)| {
        let mut bytes = header(&path, size);
        bytes.extend_from_slice(&content());
        bytes.resize(bytes.len() + padding(size) as usize, 0);
        bytes
    })
}
