//! The copy of one blob: it is present, mounted or sent, in this order.

use std::sync::Arc;

use image_name::{Digest, RepositoryPath};
use registry_client::{
    Blob, BlobTransfer, Mount, Repository, Support, TransferMonitor, TransferSide, UploadSession,
    transfer_blob,
};

use crate::destination::{BlobLocation, BlobState, ContentOrigin, Route, SearchHint};
use crate::image_copy::ImageCopy;
use crate::platform::Platform;
use crate::report::RowError;

impl ImageCopy<'_> {
    /// Copies a blob to the destination unless it is there.
    ///
    /// Rows that need it in the same repository wait for one copy. Repositories of the same
    /// registry get it sent once; the others mount it. If the source stalls, a row that waits with
    /// another source takes over, and this one waits in its place.
    pub(crate) async fn copy_blob(
        &self,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<(), RowError> {
        let copied = self.copy_blob_once(blob, platform).await;
        self.reads.end(&blob.digest);
        copied
    }

    async fn copy_blob_once(
        &self,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<(), RowError> {
        let state = self.registry.blobs.blob(&blob.digest);
        let cell = state.cell(self.destination.path());
        let task = state.tasks.add(self.route());
        let mut may_yield = true;
        loop {
            let copy = || async {
                let copied = self.copy_or_mount(&state, blob, platform);
                let stalled = task.stalled(self.engine.options.stall_patience);
                let origin = tokio::select! {
                    origin = copied => origin.map_err(Some)?,
                    () = stalled, if may_yield => return Err(None),
                };
                if origin == ContentOrigin::Sent {
                    self.add_bytes_sent(blob.size);
                }
                self.engine.blob_counts.add(origin);
                Ok(origin)
            };
            match cell.get_or_try_init(copy).await {
                Ok(_) => return Ok(()),
                Err(Some(error)) => return Err(error),
                // Once only, so that two slow sources do not take turns without end.
                Err(None) => may_yield = false,
            }
        }
    }

    fn route(&self) -> Route {
        Route::new(self.source, self.destination)
    }

    async fn copy_or_mount(
        &self,
        state: &BlobState,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<ContentOrigin, RowError> {
        match self.mount_from_source(blob).await {
            Some(origin) => Ok(origin),
            None => self.copy_first(state, blob, platform).await,
        }
    }

    /// Mounts the blob from the source repository, if it is at the same registry. Returns `None`
    /// if the registry refuses; the first refusal holds for all blobs of the two repositories.
    async fn mount_from_source(&self, blob: &Blob) -> Option<ContentOrigin> {
        let (source, destination) = (self.source, self.destination);
        if source.host_name() != destination.host_name() {
            return None;
        }
        let mut outcome = None;
        let first = async {
            let is_mounted = self.try_mount_from_source(blob).await;
            outcome = Some(is_mounted);
            is_mounted
        };
        let key = (source.path().clone(), destination.path().clone());
        let mounts = &self.registry.mounts_from_source;
        let is_possible = mounts.get_or_init(key, || first).await;
        let is_mounted = match outcome {
            Some(is_mounted) => is_mounted,
            None => is_possible && self.try_mount_from_source(blob).await,
        };
        is_mounted.then(|| {
            let location = BlobLocation {
                repository: destination.path().clone(),
                sources: Arc::clone(&self.own_source),
            };
            self.registry.blobs.add(&blob.digest, location);
            if source.path() == destination.path() {
                ContentOrigin::Present
            } else {
                ContentOrigin::Mounted
            }
        })
    }

    /// Returns false if the blob is not mounted. After an error it is copied, which reports the
    /// error.
    async fn try_mount_from_source(&self, blob: &Blob) -> bool {
        let mount = self.destination.mount(&blob.digest, self.source.path());
        match mount.await {
            Ok(Mount::Mounted) => true,
            Ok(Mount::Session(session)) => {
                self.destination.cancel_upload(session).await;
                false
            }
            Ok(Mount::Unanswered) => false,
            Err(error) => {
                tracing::debug!(%error, "cannot mount from the source repository");
                false
            }
        }
    }

    /// Copies the blob to its first repository, or mounts it from there.
    async fn copy_first(
        &self,
        state: &BlobState,
        blob: &Blob,
        platform: Option<&Platform>,
    ) -> Result<ContentOrigin, RowError> {
        let mut outcome = None;
        let copy = async {
            state.begin_first(BlobLocation {
                repository: self.destination.path().clone(),
                sources: Arc::clone(&self.own_source),
            });
            let found = self.find_blob(blob, platform).await;
            let (origin, sources) = Box::pin(self.copy_from(blob, found)).await?;
            outcome = Some(origin);
            Ok::<_, RowError>(BlobLocation {
                repository: self.destination.path().clone(),
                sources,
            })
        };
        let in_flight = state.in_flight();
        let proof = async {
            // The wait for the transfer covers the request.
            if in_flight.is_some_and(|location| location.needs_proof(self.source)) {
                self.is_at_source(blob).await;
            }
        };
        let (first, ()) = futures::join!(state.first.get_or_try_init(|| copy), proof);
        let first = first?;
        match outcome {
            Some(origin) => Ok(origin),
            None => {
                let copied = Box::pin(self.copy_from(blob, Some(first.clone()))).await?;
                Ok(copied.0)
            }
        }
    }

    /// Mounts the blob from the repository where it was found, or sends it. Returns the sources
    /// that are known to have the blob too.
    ///
    /// A manifest can name the digest of a blob that its source does not have. Such a blob is not
    /// mounted if it may come from a private repository.
    async fn copy_from(
        &self,
        blob: &Blob,
        found: Option<BlobLocation>,
    ) -> Result<(ContentOrigin, Arc<[Repository]>), RowError> {
        let Some(found) = found else {
            let origin = self.mount_or_send(blob, None).await?;
            return Ok((origin, self.known_sources(origin, Arc::default())));
        };
        let is_own = found.repository == *self.destination.path();
        let (from, sources) = if is_own || !found.needs_proof(self.source) {
            (found.repository, found.sources)
        } else if self.is_at_source(blob).await {
            (found.repository, Arc::clone(&self.own_source))
        } else {
            let origin = self.send_unless_present(blob).await?;
            return Ok((origin, self.known_sources(origin, Arc::default())));
        };
        let origin = self.mount_or_send(blob, Some(&from)).await?;
        Ok((origin, self.known_sources(origin, sources)))
    }

    fn known_sources(
        &self,
        origin: ContentOrigin,
        otherwise: Arc<[Repository]>,
    ) -> Arc<[Repository]> {
        match origin {
            ContentOrigin::Sent => Arc::clone(&self.own_source),
            ContentOrigin::Mounted | ContentOrigin::Present => otherwise,
        }
    }

    /// Returns true if the source of the row has the blob.
    async fn is_at_source(&self, blob: &Blob) -> bool {
        let key = (self.source.to_string(), blob.digest.clone());
        let query = || self.source.has_blob(blob);
        let shown = &self.engine.shown_blobs;
        // After an error the blob is downloaded, which reports the error.
        shown.get_or_try_init(key, query).await.unwrap_or(false)
    }

    /// Returns a repository of the registry that has the blob from an earlier run.
    async fn find_blob(&self, blob: &Blob, platform: Option<&Platform>) -> Option<BlobLocation> {
        self.registry.candidates_closed().await;
        let hint = SearchHint {
            repository: self.destination.path(),
            source: self.source,
            platform,
        };
        let candidates = &self.registry.candidates;
        candidates.find(&self.registry.blobs, blob, hint).await
    }

    /// Mounts the blob from a repository, or sends it.
    async fn mount_or_send(
        &self,
        blob: &Blob,
        from: Option<&RepositoryPath>,
    ) -> Result<ContentOrigin, RowError> {
        let own = self.destination.path();
        if self.destination.mount_support() == Support::Unknown {
            // One blob probes for all: a HEAD for each blob would be a quarter of the requests of
            // a first run. The semaphore is never closed.
            let _permit = self.registry.mount_probe.acquire().await.ok();
            if self.destination.mount_support() == Support::Unknown {
                return self.probe_mounts(blob, from).await;
            }
        }
        if self.destination.mount_support() == Support::No {
            return self.send_unless_present(blob).await;
        }
        // Without another repository, the mount names the destination itself: it is an existence
        // check, and its refusal opens the upload session. A manifest there may name a blob that
        // is missing.
        let from = from.unwrap_or(own);
        let mount = self.destination.mount(&blob.digest, from).await;
        match mount.map_err(RowError::Write)? {
            Mount::Mounted if from == own => Ok(ContentOrigin::Present),
            Mount::Mounted => Ok(ContentOrigin::Mounted),
            Mount::Session(session) => self.send(blob, session).await,
            Mount::Unanswered => self.send_unless_present(blob).await,
        }
    }

    /// Copies a blob to a registry that has neither granted nor refused a mount so far, and finds
    /// out: once the blob is there, a mount from its own repository must be granted.
    async fn probe_mounts(
        &self,
        blob: &Blob,
        from: Option<&RepositoryPath>,
    ) -> Result<ContentOrigin, RowError> {
        if let Some(from) = from.filter(|from| *from != self.destination.path()) {
            let mount = self.destination.mount(&blob.digest, from).await;
            match mount.map_err(RowError::Write)? {
                Mount::Mounted => return Ok(ContentOrigin::Mounted),
                Mount::Session(session) => self.destination.cancel_upload(session).await,
                Mount::Unanswered => return self.send_unless_present(blob).await,
            }
        }
        let outcome = self.send_unless_present(blob).await?;
        let own = self.destination.path();
        if let Ok(Mount::Session(session)) = self.destination.mount(&blob.digest, own).await {
            self.destination.mount_was_refused();
            self.destination.cancel_upload(session).await;
        }
        Ok(outcome)
    }

    async fn send_unless_present(&self, blob: &Blob) -> Result<ContentOrigin, RowError> {
        if self.destination.is_known_to_have_blob(blob).await {
            return Ok(ContentOrigin::Present);
        }
        let session = self.destination.begin_upload().await;
        self.send(blob, session.map_err(RowError::Write)?).await
    }

    /// Sends a blob that the destination lacks although the run has sent it, or the destination has
    /// mounted or had it.
    pub(crate) async fn send_blob_again(&self, blob: &Blob) -> Result<(), RowError> {
        let session = self.destination.begin_upload().await;
        self.send(blob, session.map_err(RowError::Write)?).await?;
        self.add_bytes_sent(blob.size);
        let counted = self.blob_origin(&blob.digest);
        self.engine.blob_counts.replace_with_sent(counted);
        Ok(())
    }

    /// Returns the origin of a blob that this run has copied to the destination.
    pub(crate) fn blob_origin(&self, digest: &Digest) -> Option<ContentOrigin> {
        let state = self.registry.blobs.blob(digest);
        state.cell(self.destination.path()).get().copied()
    }

    async fn send(&self, blob: &Blob, session: UploadSession) -> Result<ContentOrigin, RowError> {
        let (source, destination) = (self.source, self.destination);
        let guard = self.engine.progress.begin_transfer(
            destination.to_string(),
            blob.digest.to_string(),
            blob.size,
        );
        let counter = guard.counter();
        let monitor = Arc::new(TransferMonitor::new(move |bytes| counter(bytes)));
        let state = self.registry.blobs.blob(&blob.digest);
        let _transfer = state.tasks.begin_transfer(self.route(), &monitor);
        let expected = self.reads.expected(&blob.digest);
        let content = self.engine.read_blobs.get(source, &blob.digest);
        let transfer = BlobTransfer {
            content: content.as_ref(),
            source,
            destination,
            blob,
            expected: expected.as_deref(),
        };
        match transfer_blob(transfer, session, monitor).await {
            Ok(()) => Ok(ContentOrigin::Sent),
            Err(failed) if failed.side == TransferSide::Source => Err(RowError::Read(failed.error)),
            Err(failed) => Err(RowError::Write(failed.error)),
        }
    }
}
