//! A blob from one registry to another, through memory of fixed size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::requests::{Blob, UploadSession};
use crate::capabilities::UploadForm;
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::{Permit, Retries, is_transient};

/// Told of bytes on their way, as they are handed to the destination.
pub(super) type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Which of the two registries failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSide {
    /// The one that is read.
    Source,
    /// The one that is written.
    Destination,
}

/// A transfer that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct TransferError {
    /// Who failed.
    pub side: TransferSide,
    /// How.
    pub error: Error,
}

/// An upload that failed, and what that says of its session and its peer.
#[derive(Debug)]
pub(super) struct UploadFailure {
    error: TransferError,
    /// How long the peer did nothing before.
    idle: Duration,
    /// The session is of no use any more, another may be.
    session_lost: bool,
    /// All pauses were made that are allowed.
    waited_out: bool,
}

impl UploadFailure {
    pub(super) fn new(side: TransferSide, error: Error) -> Self {
        // 404: the session ran out or was never there; 401: the token did.
        let lost = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
        Self {
            session_lost: error.status().is_some_and(|status| lost.contains(&status)),
            error: TransferError { side, error },
            idle: Duration::ZERO,
            waited_out: false,
        }
    }

    pub(super) fn after_idling(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    /// After all tries of a step: what was throttled for as long as we wait is
    /// not begun again.
    pub(super) fn after_all_tries(self) -> Self {
        let status = self.error.error.status();
        Self {
            waited_out: status == Some(StatusCode::TOO_MANY_REQUESTS),
            ..self
        }
    }

    pub(super) fn of_session(self) -> Self {
        let session_lost = !is_transient(&self.error.error);
        Self {
            session_lost,
            ..self
        }
    }
}

/// Blobs up to this size go through memory: the download is over before the
/// upload begins, so that neither side waits for the other.
const SMALL: u64 = 128 * 1024;

/// Hops of one upload (307, 308); the blob is read anew for each.
const REDIRECTS: u32 = 3;

/// Copies a blob into an upload that was begun.
///
/// The content is checked against its digest before its last byte is sent; a
/// failed upload begins anew with a session of its own, unless the registry
/// has the blob after all.
///
/// # Errors
///
/// [`TransferError`] with the side that failed and its [`Error`].
pub async fn transfer_blob(
    source: &Repository,
    destination: &Repository,
    blob: &Blob,
    session: UploadSession,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> Result<(), TransferError> {
    let content = if blob.size <= SMALL {
        let content = source.small_blob(blob, SMALL).await;
        let side = TransferSide::Source;
        Some(content.map_err(|error| TransferError { side, error })?)
    } else {
        None
    };
    let upload = Upload {
        source,
        destination,
        blob,
        content,
        progress: &progress,
    };
    Box::pin(upload.until_done(session)).await
}

/// Sessions that may be lost.
const RESTARTS: u32 = 3;

struct Upload<'a> {
    source: &'a Repository,
    destination: &'a Repository,
    blob: &'a Blob,
    /// Where it was read already.
    content: Option<Bytes>,
    progress: &'a Progress,
}

/// How an upload ended that did not fail.
pub(super) enum UploadOutcome {
    Complete,
    /// The content is wanted at another URL (307, 308).
    Redirected(UploadSession),
}

impl Upload<'_> {
    async fn until_done(&self, session: UploadSession) -> Result<(), TransferError> {
        let host = &self.destination.host;
        let mut retries = Retries::new(host.retry_policy());
        let (mut restarts, mut hops) = (0, 0);
        let mut session = Some(session);
        loop {
            let next = match session.take() {
                Some(session) => session,
                None => match self.begin_anew().await? {
                    Some(session) => session,
                    None => return Ok(()),
                },
            };
            let failed = match self.send(next).await {
                Ok(UploadOutcome::Complete) => return Ok(()),
                Ok(UploadOutcome::Redirected(elsewhere)) if hops < REDIRECTS => {
                    hops += 1;
                    session = Some(elsewhere);
                    continue;
                }
                Ok(UploadOutcome::Redirected(elsewhere)) => {
                    let what = format!("the upload was redirected more than {REDIRECTS} times");
                    let error = Error::protocol(&Method::PUT, &elsewhere.url, what);
                    return Err(UploadFailure::new(TransferSide::Destination, error).error);
                }
                Err(failed) if failed.error.side == TransferSide::Source => {
                    return Err(failed.error);
                }
                Err(failed) => failed,
            };
            let error = &failed.error.error;
            if failed.waited_out {
                return Err(failed.error);
            }
            if error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE)
                && host.capabilities.needs_chunks()
            {
                // A body larger than the host takes: in chunks from now on.
            } else if failed.session_lost && restarts < RESTARTS {
                restarts += 1;
            } else {
                let TransferError { side, error } = failed.error;
                let retried = host.peer.retry(&mut retries, error, failed.idle).await;
                retried.map_err(|error| TransferError { side, error })?;
            }
        }
    }

    /// A session of its own, `None` where the registry has the blob after all.
    async fn begin_anew(&self) -> Result<Option<UploadSession>, TransferError> {
        let begun = async {
            if self.destination.has_blob(self.blob).await? {
                return Ok(None);
            }
            self.destination.begin_upload().await.map(Some)
        };
        let side = TransferSide::Destination;
        begun.await.map_err(|error| TransferError { side, error })
    }

    async fn send(&self, session: UploadSession) -> Result<UploadOutcome, UploadFailure> {
        let (destination, blob) = (self.destination, self.blob);
        if let Some(content) = &self.content {
            let begun = Instant::now();
            let sent = destination.upload_bytes(&session, &blob.digest, content.clone());
            sent.await.map_err(|error| {
                UploadFailure::new(TransferSide::Destination, error).after_idling(begun.elapsed())
            })?;
            (self.progress)(blob.size);
            return Ok(UploadOutcome::Complete);
        }
        // The semaphore is never closed.
        let _stream = destination.host.shared.streams.acquire().await.ok();
        let (source_permit, permit) = permits(self.source, destination).await?;
        let reader = self.source.read_blob_with(blob, Some(source_permit));
        match destination.host.capabilities.upload_form() {
            UploadForm::Monolithic => {
                destination
                    .upload_stream(&session, blob, reader, self.progress)
                    .await
            }
            UploadForm::Chunked => {
                let sent = destination.upload_chunks(session, blob, reader, &permit, self.progress);
                sent.await.map(|()| UploadOutcome::Complete)
            }
        }
    }
}

/// A place at each host, taken in the order of their names: two transfers in
/// opposite directions can never wait for each other. One place serves where
/// both are the same host.
async fn permits(
    source: &Repository,
    destination: &Repository,
) -> Result<(Arc<Permit>, Arc<Permit>), UploadFailure> {
    let take = async |repository: &Repository, side: TransferSide| {
        let permit = repository.host.permit().await;
        permit
            .map(Arc::new)
            .map_err(|error| UploadFailure::new(side, error))
    };
    match source.host_name().cmp(destination.host_name()) {
        std::cmp::Ordering::Less => {
            let first = take(source, TransferSide::Source).await?;
            Ok((first, take(destination, TransferSide::Destination).await?))
        }
        std::cmp::Ordering::Equal => {
            let both = take(destination, TransferSide::Destination).await?;
            Ok((Arc::clone(&both), both))
        }
        std::cmp::Ordering::Greater => {
            let first = take(destination, TransferSide::Destination).await?;
            Ok((take(source, TransferSide::Source).await?, first))
        }
    }
}
