//! One `PUT` that carries a whole blob, streamed.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method};

use super::reader::BlobReader;
use super::requests::{Blob, OCTETS, UploadSession};
use super::transfer::{Failure, Progress, Sent, Side};
use crate::error::Error;
use crate::repository::Repository;
use crate::transport::Motion;

/// What the body's stream leaves behind.
#[derive(Default)]
struct SourceError(Mutex<Option<Error>>);

impl SourceError {
    fn put(&self, error: Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Repository {
    /// Streams `reader` into the session.
    ///
    /// # Errors
    ///
    /// The source's error where reading failed; the destination's otherwise.
    pub(super) async fn upload_stream(
        &self,
        session: &UploadSession,
        blob: &Blob,
        reader: BlobReader,
        progress: &Progress,
    ) -> Result<Sent, Failure> {
        let url = session.closing_url(&blob.digest);
        let motion = Motion::of(blob.size);
        let source_error = Arc::new(SourceError::default());
        let request = self.session_request(Method::PUT, url, &[201, 204]);
        let mut request = request.map_err(|error| Failure::new(Side::Destination, error))?;
        request.headers.insert(CONTENT_TYPE, OCTETS);
        request
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(blob.size));
        let body = body(
            reader,
            Arc::clone(&motion),
            Arc::clone(&source_error),
            Arc::clone(progress),
        );
        let sent = match self.host.send_stream(&request, body, &motion).await {
            Ok(Some(url)) => self
                .check_session_url(&Method::PUT, &url)
                .map(|()| Some(url)),
            sent => sent,
        };
        match (sent, source_error.take()) {
            (_, Some(error)) => Err(Failure::new(Side::Source, error)),
            (Err(error), None) => {
                Err(Failure::new(Side::Destination, error).after_idling(motion.idle()))
            }
            (Ok(None), None) => Ok(Sent::Complete),
            (Ok(Some(url)), None) => Ok(Sent::Redirected(UploadSession {
                url,
                ..session.clone()
            })),
        }
    }
}

fn body(
    reader: BlobReader,
    motion: Arc<Motion>,
    source_error: Arc<SourceError>,
    progress: Progress,
) -> reqwest::Body {
    let stream = futures::stream::try_unfold(reader, move |mut reader| {
        let (motion, progress) = (Arc::clone(&motion), Arc::clone(&progress));
        let source_error = Arc::clone(&source_error);
        async move {
            motion.waits_for_us();
            match reader.next().await {
                Ok(Some(piece)) => {
                    motion.taken(piece.len() as u64);
                    progress(piece.len() as u64);
                    Ok(Some((piece, reader)))
                }
                Ok(None) => {
                    motion.taken(0);
                    Ok(None::<(Bytes, BlobReader)>)
                }
                Err(error) => {
                    // The body ends short of its Content-Length, so no
                    // registry can take the upload for complete.
                    let text = error.to_string();
                    source_error.put(error);
                    Err(std::io::Error::other(text))
                }
            }
        }
    });
    reqwest::Body::wrap_stream(stream)
}
