//! Brings a blob into a repository with the least that does it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use registry::{Blob, Mount, Side, Support, UploadSession, transfer_blob};

use crate::destination::{BlobState, Near};
use crate::engine::Passage;
use crate::platform::Platform;
use crate::report::RowError;

/// How a blob came to be in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Copied,
    Mounted,
    Present,
}

impl Passage<'_> {
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
            let tally = &self.engine.tally;
            match how {
                How::Copied => {
                    tally.copied.fetch_add(1, Ordering::Relaxed);
                    self.sent(blob.size);
                }
                How::Mounted => drop(tally.mounted.fetch_add(1, Ordering::Relaxed)),
                How::Present => drop(tally.present.fetch_add(1, Ordering::Relaxed)),
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
    ) -> Result<How, RowError> {
        let mut how = None;
        let bring_first = async {
            let from = self.find_blob(blob, platform).await;
            how = Some(Box::pin(self.mount_or_send(blob, from.as_ref())).await?);
            Ok::<_, RowError>(Arc::clone(&self.target_name))
        };
        let home = state.home.get_or_try_init(|| bring_first).await?;
        match how {
            Some(how) => Ok(how),
            None => Box::pin(self.mount_or_send(blob, Some(home))).await,
        }
    }

    /// A repository of the registry that has the blob from an earlier run.
    async fn find_blob(&self, blob: &Blob, platform: Option<&Platform>) -> Option<Arc<str>> {
        self.destination.swept().await;
        let near = Near {
            repository: &self.target_name,
            source: self.source.name(),
            platform,
        };
        self.destination
            .candidates
            .find(&self.destination.blobs, blob, near)
            .await
    }

    /// Mounts the blob from where it is, or sends it.
    ///
    /// Where no place is known, it is mounted from the target itself: that is
    /// an existence check whose refusal is the upload session. Until a host
    /// has honoured a mount, a refusal says nothing, and it is asked plainly.
    async fn mount_or_send(&self, blob: &Blob, from: Option<&Arc<str>>) -> Result<How, RowError> {
        let here = &self.target_name;
        let elsewhere = from.filter(|from| *from != here);
        if from.is_some() && elsewhere.is_none() {
            return Ok(How::Present);
        }
        let support = self.target.mount_support();
        if support == Support::No {
            if self
                .target
                .has_blob(&blob.digest)
                .await
                .map_err(RowError::Write)?
            {
                return Ok(How::Present);
            }
            let session = self.target.begin_upload().await.map_err(RowError::Write)?;
            return self.send(blob, session).await;
        }
        let mount = self
            .target
            .mount(&blob.digest, elsewhere.unwrap_or(here))
            .await;
        let session = match mount.map_err(RowError::Write)? {
            Mount::Mounted if elsewhere.is_some() => return Ok(How::Mounted),
            Mount::Mounted => return Ok(How::Present),
            Mount::Session(session) => session,
        };
        if support == Support::Unknown {
            if elsewhere.is_some() {
                self.target.mount_was_refused();
            }
            if self
                .target
                .has_blob(&blob.digest)
                .await
                .map_err(RowError::Write)?
            {
                self.target.mount_was_refused();
                self.target.cancel_upload(session).await;
                return Ok(How::Present);
            }
        }
        let how = self.send(blob, session).await?;
        self.destination
            .mount_probe
            .get_or_init(|| self.probe_mounts(blob))
            .await;
        Ok(how)
    }

    /// Finds out with a blob that is there whether the host honours mounts.
    async fn probe_mounts(&self, blob: &Blob) {
        if self.target.mount_support() != Support::Unknown {
            return;
        }
        if let Ok(Mount::Session(session)) =
            self.target.mount(&blob.digest, &self.target_name).await
        {
            self.target.mount_was_refused();
            self.target.cancel_upload(session).await;
        }
    }

    async fn send(&self, blob: &Blob, session: UploadSession) -> Result<How, RowError> {
        // The semaphore is never closed.
        let _stream = self.engine.streams.acquire().await.ok();
        let shown =
            self.engine
                .progress
                .begin(self.target.to_string(), blob.digest.to_string(), blob.size);
        let sent = transfer_blob(self.source, self.target, blob, session, shown.counter()).await;
        match sent {
            Ok(()) => Ok(How::Copied),
            Err(failed) if failed.side == Side::Source => Err(RowError::Read(failed.error)),
            Err(failed) => Err(RowError::Write(failed.error)),
        }
    }
}
