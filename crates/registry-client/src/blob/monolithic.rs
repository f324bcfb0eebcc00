//! Uploads that stream a whole blob in one `PUT`.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method};

use super::body::BlobBody;
use super::monitor::TransferMonitor;
use super::requests::{Blob, OCTETS, UploadSession};
use super::transfer::{TransferSide, UploadFailure, UploadOutcome};
use crate::error::Error;
use crate::lock::lock;
use crate::repository::Repository;
use crate::transport::{BodyProgress, StreamResponse};

/// The error of the source in a body stream. reqwest reports only that the body failed.
#[derive(Default)]
struct SourceError(Mutex<Option<Error>>);

impl SourceError {
    fn put(&self, error: Error) {
        *lock(&self.0) = Some(error);
    }

    fn take(&self) -> Option<Error> {
        lock(&self.0).take()
    }
}

impl Repository {
    /// Uploads the content of `reader` in one request.
    ///
    /// # Errors
    ///
    /// The error of the source if reading failed, else that of the destination.
    pub(super) async fn upload_stream(
        &self,
        session: &UploadSession,
        blob: &Blob,
        reader: BlobBody,
        monitor: &Arc<TransferMonitor>,
    ) -> Result<UploadOutcome, UploadFailure> {
        let url = session.closing_url(&blob.digest);
        let body_progress = BodyProgress::of_commit(blob.size, self.host.timeouts());
        let source_error = Arc::new(SourceError::default());
        let request = self.session_request(Method::PUT, url, &[201, 204]);
        let mut request =
            request.map_err(|error| UploadFailure::new(TransferSide::Destination, error))?;
        request.headers.insert(CONTENT_TYPE, OCTETS);
        request
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(blob.size));
        let body = body(
            reader,
            Arc::clone(&body_progress),
            Arc::clone(&source_error),
            Arc::clone(monitor),
        );
        let sent = self.host.send_stream(&request, body, &body_progress).await;
        let sent = sent.and_then(|response| match response {
            StreamResponse::Stored(response) => {
                response.check_stored_digest(&blob.digest)?;
                Ok(UploadOutcome::Complete)
            }
            StreamResponse::Redirect(url) => {
                self.check_session_url(&Method::PUT, &url)?;
                Ok(UploadOutcome::Redirected(UploadSession {
                    url,
                    ..session.clone()
                }))
            }
        });
        match (sent, source_error.take()) {
            (_, Some(error)) => Err(UploadFailure::new(TransferSide::Source, error)),
            (Err(error), None) => Err(UploadFailure::new(TransferSide::Destination, error)
                .after_idling(body_progress.idle())),
            (Ok(outcome), None) => Ok(outcome),
        }
    }
}

fn body(
    reader: BlobBody,
    body_progress: Arc<BodyProgress>,
    source_error: Arc<SourceError>,
    monitor: Arc<TransferMonitor>,
) -> reqwest::Body {
    let stream = futures::stream::try_unfold(reader, move |mut reader| {
        let (body_progress, monitor) = (Arc::clone(&body_progress), Arc::clone(&monitor));
        let source_error = Arc::clone(&source_error);
        async move {
            body_progress.set_waiting_for_source();
            match monitor.next(&mut reader).await {
                Ok(Some(chunk)) => {
                    body_progress.record_sent(chunk.len() as u64);
                    monitor.sent(chunk.len() as u64);
                    Ok(Some((chunk, reader)))
                }
                Ok(None) => {
                    body_progress.record_sent(0);
                    Ok(None::<(Bytes, BlobBody)>)
                }
                Err(error) => {
                    // The body ends before its Content-Length, so the upload cannot complete.
                    let text = error.to_string();
                    source_error.put(error);
                    Err(std::io::Error::other(text))
                }
            }
        }
    });
    reqwest::Body::wrap_stream(stream)
}
