//! The reads that one image copy shares with rows of the same source.

use std::sync::{Arc, Mutex};

use image_name::Digest;
use registry_client::{Blob, Descriptor, ExpectedRead, Repository, SharedReads};

use crate::lock::lock;
use crate::report::RowError;
use crate::source_group::{ExpectedBlobs, GroupMember, SharedPulls, reserve_pulls};

/// The announced reads of a row, and its membership in the group of rows with the same source image, if
/// there is one.
#[derive(Debug, Default)]
pub(crate) struct ImageReads {
    group: Option<GroupMember>,
    /// The announcements of the blobs that are not copied yet.
    expected: Mutex<ExpectedBlobs>,
}

impl ImageReads {
    pub(crate) fn new(group: Option<GroupMember>) -> Self {
        Self {
            group,
            expected: Mutex::default(),
        }
    }

    /// Announces the blobs of a manifest of `source`, which are about to be copied.
    ///
    /// # Errors
    ///
    /// [`RowError::Digest`].
    pub(crate) fn expect<'d>(
        &self,
        reads: &SharedReads,
        source: &Repository,
        manifest: &Digest,
        descriptors: impl Iterator<Item = &'d Descriptor>,
    ) -> Result<(), RowError> {
        let Some(group) = &self.group else {
            return Ok(());
        };
        let mut blobs = Vec::new();
        for descriptor in descriptors {
            if let Some(size) = descriptor.size() {
                let digest = Digest::try_from(descriptor.digest())?;
                blobs.push(Blob { digest, size });
            }
        }
        let expected = group.announce_blobs(reads, source, manifest, &blobs);
        lock(&self.expected).extend(expected);
        Ok(())
    }

    /// Returns the announcement of a blob.
    pub(crate) fn expected(&self, digest: &Digest) -> Option<Arc<ExpectedRead>> {
        lock(&self.expected).get(digest).cloned()
    }

    /// Ends the announcement of a blob: the destination has it or does not need it.
    pub(crate) fn end(&self, digest: &Digest) {
        let ended = lock(&self.expected).remove(digest);
        drop(ended);
    }

    /// Notes that the destination has a manifest.
    pub(crate) fn skip(&self, manifest: &Digest) {
        if let Some(group) = &self.group {
            group.skip(manifest);
        }
    }

    /// Notes that the row does not copy the image.
    pub(crate) fn withdraw(&self) {
        if let Some(group) = &self.group {
            group.withdraw();
        }
    }

    /// Reserves the pulls for an image. With `is_read`, another row of the group has read the manifest and
    /// reserved them.
    ///
    /// # Errors
    ///
    /// [`RowError::Read`].
    pub(crate) async fn reserve_pulls(
        &self,
        source: &Repository,
        is_read: bool,
    ) -> Result<Option<SharedPulls>, RowError> {
        let reserved = match &self.group {
            Some(_) if is_read => return Ok(None),
            Some(group) => group.reserve_pulls(source).await,
            None => reserve_pulls(source).await,
        };
        reserved.map(Some).map_err(RowError::Read)
    }
}
