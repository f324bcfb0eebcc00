//! A blob from one registry to another, through memory of fixed size.

use std::sync::Arc;

use http::StatusCode;

use super::requests::{Blob, UploadSession};
use crate::capabilities::UploadForm;
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::{Next, Permit, Retries};

/// Told of bytes on their way, as they are handed to the destination.
pub(super) type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// Which of the two registries failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
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
    pub side: Side,
    /// How.
    pub error: Error,
}

impl TransferError {
    pub(super) fn new(side: Side, error: Error) -> Self {
        Self { side, error }
    }
}

/// Blobs up to this size go through memory: the download is over before the
/// upload begins, so that neither side waits for the other, and both can be
/// tried again.
const SMALL: u64 = 128 * 1024;

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
    let at_destination = |error| TransferError::new(Side::Destination, error);
    if blob.size <= SMALL {
        let content = source.small_blob(blob, SMALL).await;
        let content = content.map_err(|error| TransferError::new(Side::Source, error))?;
        let sent = destination
            .upload_bytes(&session, &blob.digest, content, None)
            .await;
        sent.map_err(at_destination)?;
        progress(blob.size);
        return Ok(());
    }
    Box::pin(stream_blob(source, destination, blob, session, &progress)).await
}

async fn stream_blob(
    source: &Repository,
    destination: &Repository,
    blob: &Blob,
    session: UploadSession,
    progress: &Progress,
) -> Result<(), TransferError> {
    let at_destination = |error| TransferError::new(Side::Destination, error);
    let patience = destination.host.patience().clone();
    let mut retries = Retries::new(&patience);
    let mut restarted = false;
    let mut session = Some(session);
    loop {
        let next = match session.take() {
            Some(session) => session,
            None if destination
                .has_blob(&blob.digest)
                .await
                .map_err(at_destination)? =>
            {
                return Ok(());
            }
            None => destination.begin_upload().await.map_err(at_destination)?,
        };
        let failed = match send(source, destination, blob, next, progress).await {
            Ok(Sent::Complete) => return Ok(()),
            Ok(Sent::Redirected(elsewhere)) => {
                session = Some(elsewhere);
                continue;
            }
            Err(failed) if failed.side == Side::Source => return Err(failed),
            Err(failed) => failed,
        };
        match failed.error.status() {
            // A body larger than the host takes: in chunks from now on.
            Some(StatusCode::PAYLOAD_TOO_LARGE) if destination.host.capabilities.needs_chunks() => {
            }
            // The token, or the session, ran out on the way: both are got anew.
            Some(StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND)
                if !std::mem::replace(&mut restarted, true) => {}
            _ => match retries.after(&failed.error, fastrand::f32()) {
                Next::GiveUp => return Err(failed),
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::PauseHost(wait) => destination.host.pause(wait),
            },
        }
    }
}

/// How an upload ended that did not fail.
pub(super) enum Sent {
    Complete,
    /// The content is wanted at another URL (307, 308).
    Redirected(UploadSession),
}

async fn send(
    source: &Repository,
    destination: &Repository,
    blob: &Blob,
    session: UploadSession,
    progress: &Progress,
) -> Result<Sent, TransferError> {
    let (source_permit, permit) = permits(source, destination).await?;
    let reader = source
        .read_blob_with(blob, Some(source_permit))
        .map_err(|error| TransferError::new(Side::Source, error))?;
    match destination.host.capabilities.upload_form() {
        UploadForm::Monolithic => {
            destination
                .upload_stream(&session, blob, reader, &permit, progress)
                .await
        }
        UploadForm::Chunked => {
            let sent = destination.upload_chunks(session, blob, reader, &permit, progress);
            sent.await.map(|()| Sent::Complete)
        }
    }
}

/// A place at each host, taken in the order of their names: two transfers in
/// opposite directions can never wait for each other. One place serves where
/// both are the same host.
async fn permits(
    source: &Repository,
    destination: &Repository,
) -> Result<(Arc<Permit>, Arc<Permit>), TransferError> {
    let take = async |repository: &Repository, side: Side| {
        let permit = repository.host.permit().await;
        permit
            .map(Arc::new)
            .map_err(|error| TransferError::new(side, error))
    };
    match source.host_name().cmp(destination.host_name()) {
        std::cmp::Ordering::Less => {
            let first = take(source, Side::Source).await?;
            Ok((first, take(destination, Side::Destination).await?))
        }
        std::cmp::Ordering::Equal => {
            let both = take(destination, Side::Destination).await?;
            Ok((Arc::clone(&both), both))
        }
        std::cmp::Ordering::Greater => {
            let first = take(destination, Side::Destination).await?;
            Ok((take(source, Side::Source).await?, first))
        }
    }
}
