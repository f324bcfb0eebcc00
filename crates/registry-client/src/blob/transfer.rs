//! Copies a blob from one registry to another, with a fixed amount of memory.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::body::BlobBody;
use super::fan_out::{ExpectedRead, ReadPermits, SharedReader};
use super::monitor::TransferMonitor;
use super::requests::{Blob, UploadSession};
use crate::capabilities::UploadForm;
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::{Permit, Retries, is_transient, may_have_happened};

/// One of the two registries of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSide {
    /// The registry that is read.
    Source,
    /// The registry that is written.
    Destination,
}

/// A transfer that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct TransferError {
    /// The registry that failed.
    pub side: TransferSide,
    /// The error.
    pub error: Error,
}

/// The error of an upload, with the state of its session and of the destination.
#[derive(Debug)]
pub(super) struct UploadFailure {
    error: TransferError,
    /// The time in which the destination was idle before.
    idle: Duration,
    /// A new session is needed.
    session_lost: bool,
    /// The destination throttled for longer than the maximum wait.
    is_throttled_out: bool,
}

impl UploadFailure {
    pub(super) fn new(side: TransferSide, error: Error) -> Self {
        // 404: the session expired or never existed; 401: the token expired.
        let lost = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
        Self {
            session_lost: error.status().is_some_and(|status| lost.contains(&status)),
            error: TransferError { side, error },
            idle: Duration::ZERO,
            is_throttled_out: false,
        }
    }

    pub(super) fn after_idling(self, idle: Duration) -> Self {
        Self { idle, ..self }
    }

    /// Marks an error after the last attempt of a step: an upload is not started again after the
    /// maximum wait.
    pub(super) fn after_all_tries(self) -> Self {
        let status = self.error.error.status();
        Self {
            is_throttled_out: status == Some(StatusCode::TOO_MANY_REQUESTS),
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

/// The maximum size in bytes of a blob that is downloaded whole before its upload, so that neither
/// registry waits for the other.
const SMALL: u64 = 128 * 1024;

/// The maximum number of redirects of one upload (307, 308). The blob is read again for each.
const REDIRECTS: u32 = 3;

/// A blob, and the repositories between which it is copied.
#[derive(Debug, Clone, Copy)]
pub struct BlobTransfer<'a> {
    /// The repository that is read.
    pub source: &'a Repository,
    /// The repository that is written.
    pub destination: &'a Repository,
    /// The blob.
    pub blob: &'a Blob,
    /// The content of the blob, if it was read and checked before.
    pub content: Option<&'a Bytes>,
    /// The announcement of the upload to [`SharedReads`](crate::SharedReads), with this source, blob and
    /// destination, if other registries may need the blob too.
    pub expected: Option<&'a ExpectedRead>,
}

/// Copies a blob into an upload session.
///
/// The digest is checked before the last byte is sent. A failed upload starts again with a new
/// session, unless the registry has the blob by then. After the last attempt too, the registry may
/// have it: then the transfer has succeeded.
///
/// # Errors
///
/// [`TransferError`] with the registry that failed and its [`Error`].
pub async fn transfer_blob(
    transfer: BlobTransfer<'_>,
    session: UploadSession,
    monitor: Arc<TransferMonitor>,
) -> Result<(), TransferError> {
    let BlobTransfer {
        source,
        blob,
        content: known,
        expected,
        ..
    } = transfer;
    let known = known.filter(|known| known.len() as u64 == blob.size && blob.size <= SMALL);
    let content = if let Some(known) = known {
        Some(known.clone())
    } else if blob.size <= SMALL {
        let content = async {
            match expected {
                Some(expected) => expected.small_content(SMALL).await,
                None => source.small_blob(blob, SMALL).await,
            }
        };
        let content = monitor.wait_for_source(content).await;
        let side = TransferSide::Source;
        Some(content.map_err(|error| TransferError { side, error })?)
    } else {
        None
    };
    let upload = Upload {
        transfer,
        content,
        monitor: &monitor,
    };
    Box::pin(upload.run(session)).await
}

/// The maximum number of lost sessions.
const RESTARTS: u32 = 3;

struct Upload<'a> {
    transfer: BlobTransfer<'a>,
    /// The content of a small blob.
    content: Option<Bytes>,
    monitor: &'a Arc<TransferMonitor>,
}

/// The result of an upload that did not fail.
pub(super) enum UploadOutcome {
    Complete,
    /// The destination redirected to another URL (307, 308).
    Redirected(UploadSession),
}

impl Upload<'_> {
    async fn run(&self, session: UploadSession) -> Result<(), TransferError> {
        let BlobTransfer {
            destination, blob, ..
        } = self.transfer;
        let host = &destination.host;
        let mut retries = Retries::new(host.retry_policy());
        let (mut restarts, mut hops) = (0, 0);
        let mut session = Some(session);
        loop {
            let next = match session.take() {
                Some(session) => session,
                None => match self.restart().await? {
                    Some(session) => session,
                    None => return Ok(()),
                },
            };
            let form = host.capabilities.upload_form(blob.size);
            let failed = match self.send(next, form).await {
                Ok(UploadOutcome::Complete) => return Ok(()),
                Ok(UploadOutcome::Redirected(target)) if hops < REDIRECTS => {
                    hops += 1;
                    session = Some(target);
                    continue;
                }
                Ok(UploadOutcome::Redirected(target)) => {
                    let what = format!("the upload was redirected more than {REDIRECTS} times");
                    let error = Error::protocol(&Method::PUT, &target.url, what);
                    return Err(UploadFailure::new(TransferSide::Destination, error).error);
                }
                Err(failed) if failed.error.side == TransferSide::Source => {
                    return Err(failed.error);
                }
                Err(failed) => failed,
            };
            let error = &failed.error.error;
            if failed.is_throttled_out {
                return Err(failed.error);
            }
            if error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE)
                && form == UploadForm::Monolithic
                && host.capabilities.record_refused_body(blob.size)
            {
                // The host rejects large bodies. This upload and further ones to it use chunks.
            } else if failed.session_lost && restarts < RESTARTS {
                restarts += 1;
            } else {
                let TransferError { side, error } = failed.error;
                if let Err(error) = host.peer.retry(&mut retries, error, failed.idle).await {
                    // A registry that commits for minutes behind an impatient proxy, for example.
                    let has_blob =
                        may_have_happened(&error) && destination.is_known_to_have_blob(blob).await;
                    let failed = Err(TransferError { side, error });
                    return if has_blob { Ok(()) } else { failed };
                }
            }
        }
    }

    /// Starts a new session, or returns `None` if the registry has the blob by now.
    async fn restart(&self) -> Result<Option<UploadSession>, TransferError> {
        let BlobTransfer {
            destination, blob, ..
        } = self.transfer;
        let session = async {
            if destination.is_known_to_have_blob(blob).await {
                return Ok(None);
            }
            destination.begin_upload().await.map(Some)
        };
        let side = TransferSide::Destination;
        session.await.map_err(|error| TransferError { side, error })
    }

    async fn send(
        &self,
        session: UploadSession,
        form: UploadForm,
    ) -> Result<UploadOutcome, UploadFailure> {
        let (destination, blob) = (self.transfer.destination, self.transfer.blob);
        if let (Some(content), UploadForm::Monolithic) = (&self.content, form) {
            let started = Instant::now();
            let sent = destination.upload_bytes(&session, &blob.digest, content.clone());
            sent.await.map_err(|error| {
                UploadFailure::new(TransferSide::Destination, error).after_idling(started.elapsed())
            })?;
            self.monitor.sent(blob.size);
            return Ok(UploadOutcome::Complete);
        }
        if let Some((reader, permit)) = self.join().await? {
            return self
                .send_body(session, form, BlobBody::Shared(reader), &permit)
                .await;
        }
        let streams = &destination.host.shared.streams;
        // The limit is never closed.
        let _stream = streams.acquire(self.host_names()).await;
        let (source_permit, permit) = self.permits().await?;
        let source = self.transfer.source;
        let reader = BlobBody::Own(source.read_blob_with(blob, Some(source_permit)));
        self.send_body(session, form, reader, &permit).await
    }

    async fn send_body(
        &self,
        session: UploadSession,
        form: UploadForm,
        body: BlobBody,
        permit: &Permit,
    ) -> Result<UploadOutcome, UploadFailure> {
        let BlobTransfer {
            destination, blob, ..
        } = self.transfer;
        match form {
            UploadForm::Monolithic => {
                destination
                    .upload_stream(&session, blob, body, self.monitor)
                    .await
            }
            UploadForm::Chunked => {
                let sent = destination.upload_chunks(session, blob, body, permit, self.monitor);
                sent.await.map(|()| UploadOutcome::Complete)
            }
        }
    }

    /// Joins the read of the blob that uploads to other registries share. Returns its reader and the
    /// permit of the destination, or `None` if the upload reads by itself.
    async fn join(&self) -> Result<Option<(SharedReader, Permit)>, UploadFailure> {
        let Some(expected) = self.transfer.expected else {
            return Ok(None);
        };
        let (source, destination) = (self.transfer.source, self.transfer.destination);
        let order = source.host_name().cmp(destination.host_name());
        if order == Ordering::Equal || !expected.is_shared() {
            expected.stop_waiting();
            return Ok(None);
        }
        let streams = &destination.host.shared.streams;
        let stream = expected.stream(|| streams.acquire(self.host_names()));
        let Some(stream) = stream.await else {
            return Ok(None);
        };
        let take = async || {
            let permit = self.monitor.wait_for_source(expected.source_permit());
            let side = TransferSide::Source;
            permit
                .await
                .map_err(|error| UploadFailure::new(side, error))
        };
        let (source, permit) = if order == Ordering::Less {
            let source = take().await?;
            (source, self.destination_permit().await?)
        } else {
            let permit = self.destination_permit().await?;
            (take().await?, permit)
        };
        let reader = expected.join(ReadPermits { stream, source });
        Ok(reader.map(|reader| (reader, permit)))
    }

    async fn destination_permit(&self) -> Result<Permit, UploadFailure> {
        let permit = self.transfer.destination.host.permit().await;
        permit.map_err(|error| UploadFailure::new(TransferSide::Destination, error))
    }

    fn host_names(&self) -> [String; 2] {
        let sides = [self.transfer.source, self.transfer.destination];
        sides.map(|side| side.host_name().to_owned())
    }

    /// Acquires a permit at each host in the order of their names, so that transfers in opposite
    /// directions cannot block each other. Transfers within one host need one permit.
    async fn permits(&self) -> Result<(Arc<Permit>, Arc<Permit>), UploadFailure> {
        let take = async |repository: &Repository, side: TransferSide| {
            let permit = repository.host.permit().await;
            permit
                .map(Arc::new)
                .map_err(|error| UploadFailure::new(side, error))
        };
        let (source, destination) = (self.transfer.source, self.transfer.destination);
        let from = || {
            self.monitor
                .wait_for_source(take(source, TransferSide::Source))
        };
        match source.host_name().cmp(destination.host_name()) {
            Ordering::Less => {
                let first = from().await?;
                Ok((first, take(destination, TransferSide::Destination).await?))
            }
            Ordering::Equal => {
                let both = take(destination, TransferSide::Destination).await?;
                Ok((Arc::clone(&both), both))
            }
            Ordering::Greater => {
                let first = take(destination, TransferSide::Destination).await?;
                Ok((from().await?, first))
            }
        }
    }
}
