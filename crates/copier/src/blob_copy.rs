//! Brings a blob into a repository with the least that does it.

use std::sync::atomic::Ordering;

use image_name::RepositoryPath;
use registry_client::{Blob, Mount, Support, TransferSide, UploadSession, transfer_blob};

use crate::destination::{BlobState, SearchHint};
use crate::engine::ImageCopy;
use crate::platform::Platform;
use crate::report::RowError;

/// How a blob came to be in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlobOutcome {
    Copied,
    Mounted,
    Present,
}

impl ImageCopy<'_> {
    /// Makes sure that the target has the blob. Needed by several rows at
    /// once, it is sent by one of them; needed in several repositories of a
    /// registry, it is sent to one and mounted in the others.
    pub(crate) async fn ensure_blob(
        &self,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<(), RowError> {
        let state = self.destination.blobs.blob(&blob.digest);
        let there = state.needed_in(&self.target_name);
        let bring = || async {
            let how = self.bring_blob(&state, blob, platform).await?;
            let blob_counts = &self.engine.blob_counts;
            match how {
                BlobOutcome::Copied => {
                    blob_counts.copied.fetch_add(1, Ordering::Relaxed);
                    self.sent(blob.size);
                }
                BlobOutcome::Mounted => drop(blob_counts.mounted.fetch_add(1, Ordering::Relaxed)),
                BlobOutcome::Present => drop(blob_counts.present.fetch_add(1, Ordering::Relaxed)),
            }
            Ok(())
        };
        there.get_or_try_init(bring).await.map(drop)
    }

    async fn bring_blob(
        &self,
        state: &BlobState,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<BlobOutcome, RowError> {
        let mut how = None;
        let bring_first = async {
            let from = self.find_blob(blob, platform).await;
            how = Some(Box::pin(self.mount_or_send(blob, from.as_ref())).await?);
            Ok::<_, RowError>(self.target_name.clone())
        };
        let home = state.home.get_or_try_init(|| bring_first).await?;
        match how {
            Some(how) => Ok(how),
            None => Box::pin(self.mount_or_send(blob, Some(home))).await,
        }
    }

    /// A repository of the registry that has the blob from an earlier run.
    async fn find_blob(&self, blob: &Blob, platform: Option<&Platform>) -> Option<RepositoryPath> {
        self.destination.swept().await;
        let hint = SearchHint {
            repository: &self.target_name,
            source: self.source.name(),
            platform,
        };
        self.destination
            .candidates
            .find(&self.destination.blobs, blob, hint)
            .await
    }

    /// Mounts the blob from where it is, or sends it.
    async fn mount_or_send(
        &self,
        blob: &Blob,
        from: Option<&RepositoryPath>,
    ) -> Result<BlobOutcome, RowError> {
        if from.is_some_and(|from| *from == self.target_name) {
            return Ok(BlobOutcome::Present);
        }
        if self.target.mount_support() == Support::Unknown {
            // One blob finds out for all: a HEAD for each would be a quarter
            // of the requests of a first run. The semaphore is never closed.
            let _turn = self.destination.mount_turn.acquire().await.ok();
            if self.target.mount_support() == Support::Unknown {
                return self.find_out_with(blob, from).await;
            }
        }
        if self.target.mount_support() == Support::No {
            return self.send_unless_there(blob).await;
        }
        // Where no place is known, the blob is mounted from the target itself:
        // an existence check whose refusal is the upload session.
        let from = from.unwrap_or(&self.target_name);
        let mount = self.target.mount(&blob.digest, from).await;
        match mount.map_err(RowError::Write)? {
            Mount::Mounted if *from == self.target_name => Ok(BlobOutcome::Present),
            Mount::Mounted => Ok(BlobOutcome::Mounted),
            Mount::Session(session) => self.send(blob, session).await,
        }
    }

    async fn send_unless_there(&self, blob: &Blob) -> Result<BlobOutcome, RowError> {
        let there = self.target.has_blob(blob).await;
        if there.map_err(RowError::Write)? {
            return Ok(BlobOutcome::Present);
        }
        let session = self.target.begin_upload().await.map_err(RowError::Write)?;
        self.send(blob, session).await
    }

    /// Brings a blob to a host that has neither honoured nor refused a mount,
    /// and learns which it does: once the blob is there, a mount of it from
    /// its own repository has to be granted.
    async fn find_out_with(
        &self,
        blob: &Blob,
        from: Option<&RepositoryPath>,
    ) -> Result<BlobOutcome, RowError> {
        if let Some(from) = from {
            match self
                .target
                .mount(&blob.digest, from)
                .await
                .map_err(RowError::Write)?
            {
                Mount::Mounted => return Ok(BlobOutcome::Mounted),
                Mount::Session(session) => self.target.cancel_upload(session).await,
            }
        }
        let how = self.send_unless_there(blob).await?;
        if let Ok(Mount::Session(session)) =
            self.target.mount(&blob.digest, &self.target_name).await
        {
            self.target.mount_was_refused();
            self.target.cancel_upload(session).await;
        }
        Ok(how)
    }

    async fn send(&self, blob: &Blob, session: UploadSession) -> Result<BlobOutcome, RowError> {
        let shown =
            self.engine
                .progress
                .begin(self.target.to_string(), blob.digest.to_string(), blob.size);
        let sent = transfer_blob(self.source, self.target, blob, session, shown.counter()).await;
        match sent {
            Ok(()) => Ok(BlobOutcome::Copied),
            Err(failed) if failed.side == TransferSide::Source => Err(RowError::Read(failed.error)),
            Err(failed) => Err(RowError::Write(failed.error)),
        }
    }
}
