//! Sources whose blobs can be read only once, in a given order.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use registry_client::Blob;

/// The blobs of all sources of a run in the order in which they can be read.
///
/// Before its rows, the run takes each blob and copies it wherever rows need it. The sources serve manifests
/// at any time, and a blob from [`OrderedBlobs::next`] until its [`OrderedBlob`] is dropped.
pub trait OrderedBlobs: fmt::Debug + Send + Sync {
    /// Returns the next blob that a row of the run may need, `None` after the last or after a failure. A blob
    /// that is read from a stream must be dropped or read before the next one is returned.
    fn next(&self) -> BoxFuture<'_, Option<OrderedBlob>>;

    /// Announces the number of registries that read a blob, before the first of them does.
    fn expect_readers(&self, blob: &Blob, readers: usize);

    /// Notes that a registry will not read the blob, or has read it.
    fn reader_done(&self, blob: &Blob);
}

/// A blob that can be read now.
#[derive(Debug)]
pub struct OrderedBlob {
    /// The blob.
    pub blob: Blob,
    /// The rows that need it, by their indexes in the run: whether it belongs to their images, and not only to
    /// content that is attached to them.
    pub rows: Arc<[OrderedNeed]>,
    /// Kept until the blob is copied.
    pub lease: Option<Box<dyn Any + Send + Sync>>,
}

/// The need of a row for a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderedNeed {
    /// The index of the row.
    pub row: usize,
    /// True if the blob belongs to the image, false if only to attached content.
    pub is_of_image: bool,
}
