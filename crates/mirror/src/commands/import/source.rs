//! The content of the bundle for the engine.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bundle::contents::Contents;
use bundle::read::{
    BundleContent, BundleRegistry, Head, Keep, Members, Node, Opened, ReadError, Store,
    StreamContent, check_references, read_leading, read_manifests,
};
use copier::{OrderedBlob, OrderedBlobs, OrderedNeed, RowError};
use futures::future::BoxFuture;
use image_name::Digest;
use registry_client::{Blob, Error};

use crate::rows::copying::run::CopyRun;
use crate::rows::imported::ImportedRows;

/// The memory for the manifests of a stream in bytes.
const MANIFESTS: u64 = 256 * 1024 * 1024;

/// A bundle with verified manifests: every reference leads to content.
#[derive(Debug)]
pub(super) struct BundleSource {
    content: Content,
    /// The images that need required content, by their indexes in the bundle.
    pub(super) required_by: HashMap<Digest, Vec<usize>>,
}

/// The content of a bundle.
#[derive(Debug)]
enum Content {
    /// It can be read at any position.
    Seekable(Arc<Store>),
    /// It is read from start to end.
    Stream(Arc<StreamedBlobs>),
}

/// The blobs of a stream that rows need.
#[derive(Debug)]
pub(super) struct StreamedBlobs {
    content: Arc<StreamContent>,
    needs: HashMap<Digest, Arc<[OrderedNeed]>>,
}

impl BundleSource {
    /// Looks for every member of a bundle, and reads its manifests.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub(super) fn seekable(opened: Opened) -> Result<Self, ReadError> {
        let store = Store::new(opened)?;
        let contents = &store.head().contents;
        let nodes = read_manifests(&store)?;
        check_references(contents, &nodes)?;
        Ok(Self {
            required_by: required_by(contents, &nodes),
            content: Content::Seekable(Arc::new(store)),
        })
    }

    /// Reads the manifests of a stream, and starts to read the blobs unless it is a dry run.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub(super) fn stream(
        mut members: Members,
        imported: &ImportedRows,
        is_dry_run: bool,
    ) -> Result<Self, ReadError> {
        let head = Arc::clone(members.head());
        let leading = read_leading(&mut members, Keep::Bytes(MANIFESTS))?;
        check_references(&head.contents, &leading.nodes)?;
        let required_by = required_by(&head.contents, &leading.nodes);
        let needs = needs(&head, &leading.nodes, imported);
        let wanted = match is_dry_run {
            true => HashSet::new(),
            false => needs.keys().cloned().collect(),
        };
        let content = StreamContent::start(members, leading, wanted);
        Ok(Self {
            content: Content::Stream(Arc::new(StreamedBlobs { content, needs })),
            required_by,
        })
    }

    /// Returns the registry of the images that are imported.
    pub(super) fn registry(&self, head: &Arc<Head>, imported: &ImportedRows) -> BundleRegistry {
        let content: Arc<dyn BundleContent> = match &self.content {
            Content::Seekable(store) => Arc::clone(store) as Arc<dyn BundleContent>,
            Content::Stream(streamed) => Arc::clone(&streamed.content) as Arc<dyn BundleContent>,
        };
        let images = imported.rows.iter();
        let images = images.map(|row| &head.contents.images[row.image]);
        BundleRegistry::new(head, content, images)
    }

    /// Returns the blobs of a stream.
    pub(super) fn ordered(&self) -> Option<Arc<StreamedBlobs>> {
        match &self.content {
            Content::Seekable(_) => None,
            Content::Stream(streamed) => Some(Arc::clone(streamed)),
        }
    }

    /// Returns the error that ended a stream early, or the one of content that rows of the run have found
    /// damaged.
    pub(super) fn take_failure(&self, run: &CopyRun) -> Option<ReadError> {
        match &self.content {
            Content::Stream(streamed) => streamed.content.take_failure(),
            Content::Seekable(store) => {
                let rows = run.rows.iter();
                let mut damaged = rows.filter_map(|row| match row.outcome.error.as_deref() {
                    Some(RowError::Read(Error::DigestMismatch { expected, .. })) => {
                        expected.as_ref().parse().ok()
                    }
                    _ => None,
                });
                damaged.find_map(|digest: Digest| store.check(&digest).err())
            }
        }
    }
}

impl OrderedBlobs for StreamedBlobs {
    fn next(&self) -> BoxFuture<'_, Option<OrderedBlob>> {
        Box::pin(async {
            let blob = self.content.next().await?;
            let rows = self.needs.get(&blob.digest);
            Some(OrderedBlob {
                rows: rows.cloned().unwrap_or_default(),
                blob: Blob {
                    digest: blob.digest,
                    size: blob.size,
                },
                lease: Some(Box::new(blob.lease)),
            })
        })
    }

    fn expect_readers(&self, blob: &Blob, readers: usize) {
        self.content.expect_readers(&blob.digest, readers);
    }

    fn reader_done(&self, blob: &Blob) {
        self.content.reader_done(&blob.digest);
    }
}

/// Returns the images that need each required content, by their indexes in the bundle.
fn required_by(contents: &Contents, nodes: &HashMap<Digest, Node>) -> HashMap<Digest, Vec<usize>> {
    let required: HashSet<&Digest> = contents.requires.iter().map(|it| &it.digest).collect();
    let mut required_by: HashMap<Digest, Vec<usize>> = HashMap::new();
    if required.is_empty() {
        return required_by;
    }
    for (index, image) in contents.images.iter().enumerate() {
        let attached = image.attached.iter().map(|it| &it.digest);
        let roots = std::iter::once(&image.digest).chain(attached).collect();
        for digest in blobs_under(roots, nodes) {
            if required.contains(digest) {
                required_by.entry(digest.clone()).or_default().push(index);
            }
        }
    }
    required_by
}

/// Returns the rows that need each blob of the bundle.
fn needs(
    head: &Head,
    nodes: &HashMap<Digest, Node>,
    imported: &ImportedRows,
) -> HashMap<Digest, Arc<[OrderedNeed]>> {
    let members = head.contents.members.iter();
    let members: HashSet<&Digest> = members.filter_map(|member| member.path.digest()).collect();
    let mut needs: HashMap<Digest, Vec<OrderedNeed>> = HashMap::new();
    for (row, imported) in imported.rows.iter().enumerate() {
        let image = &head.contents.images[imported.image];
        let attached: Vec<&Digest> = image.attached.iter().map(|it| &it.digest).collect();
        let mut seen = HashSet::new();
        for (roots, is_of_image) in [(vec![&image.digest], true), (attached, false)] {
            for blob in blobs_under(roots, nodes) {
                if members.contains(blob) && seen.insert(blob) {
                    let need = OrderedNeed { row, is_of_image };
                    needs.entry(blob.clone()).or_default().push(need);
                }
            }
        }
    }
    let needs = needs.into_iter();
    needs.map(|(digest, rows)| (digest, rows.into())).collect()
}

/// Returns the content under manifests that is no manifest of the bundle.
fn blobs_under<'a>(
    roots: Vec<&'a Digest>,
    nodes: &'a HashMap<Digest, Node>,
) -> HashSet<&'a Digest> {
    let (mut blobs, mut visited) = (HashSet::new(), HashSet::new());
    let mut pending = roots;
    while let Some(digest) = pending.pop() {
        if !visited.insert(digest) {
            continue;
        }
        match nodes.get(digest) {
            Some(node) => pending.extend(node.children.iter().map(|child| &child.digest)),
            None => {
                blobs.insert(digest);
            }
        }
    }
    blobs
}
