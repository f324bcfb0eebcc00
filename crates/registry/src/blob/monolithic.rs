//! One `PUT` that carries a whole blob, streamed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};

use super::reader::BlobReader;
use super::requests::{Blob, OCTETS, UploadSession};
use super::transfer::{Progress, Sent, Side, TransferError};
use crate::error::{Awaited, Error};
use crate::repository::Repository;
use crate::transport::{Permit, redact};

/// What the body's stream and its watcher know of each other.
struct Flow {
    begun: Instant,
    /// Milliseconds from `begun` to the last piece that was taken.
    last_taken: AtomicU64,
    /// The registry is not to blame while we wait for the source, nor once
    /// everything was taken.
    waiting_for_us: AtomicBool,
    source_error: Mutex<Option<Error>>,
}

impl Flow {
    fn idle(&self) -> Duration {
        if self.waiting_for_us.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let taken = Duration::from_millis(self.last_taken.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(taken)
    }

    fn taken(&self) {
        let elapsed = self.begun.elapsed().as_millis();
        self.last_taken.store(
            u64::try_from(elapsed).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    fn take_source_error(&self) -> Option<Error> {
        self.source_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
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
        permit: &Permit,
        progress: &Progress,
    ) -> Result<Sent, TransferError> {
        let url = session.closing_url(&blob.digest);
        let flow = Arc::new(Flow {
            begun: Instant::now(),
            last_taken: AtomicU64::new(0),
            waiting_for_us: AtomicBool::new(true),
            source_error: Mutex::new(None),
        });
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, OCTETS);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(blob.size));
        let body = body(reader, Arc::clone(&flow), Arc::clone(progress));
        let sent = self
            .host
            .send_stream(&url, headers, body, &self.scopes, permit);
        let outcome = tokio::select! {
            outcome = sent => outcome,
            idle = self.watch(&flow, blob.size) => Err(Error::Timeout {
                method: Method::PUT,
                url: redact::url(&url),
                awaited: Awaited::UploadProgress,
                after: idle,
            }),
        };
        match (outcome, flow.take_source_error()) {
            (_, Some(error)) => Err(TransferError::new(Side::Source, error)),
            (Err(error), None) => Err(TransferError::new(Side::Destination, error)),
            (Ok(None), None) => Ok(Sent::Complete),
            (Ok(Some(url)), None) => Ok(Sent::Redirected(UploadSession {
                url,
                ..session.clone()
            })),
        }
    }

    /// Ends when the registry has taken nothing for too long. After the last
    /// byte it gets a second for every 32 MiB on top, since some copy the
    /// upload to its place before they answer (distribution on S3).
    async fn watch(&self, flow: &Flow, size: u64) -> Duration {
        let stall = self.host.patience().stall;
        let allowed = stall + Duration::from_secs(size / (32 * 1024 * 1024));
        loop {
            let idle = flow.idle();
            if idle > allowed {
                return idle;
            }
            tokio::time::sleep(
                (allowed - idle)
                    .min(stall / 4)
                    .max(Duration::from_millis(10)),
            )
            .await;
        }
    }
}

fn body(reader: BlobReader, flow: Arc<Flow>, progress: Progress) -> reqwest::Body {
    let stream = futures::stream::try_unfold(reader, move |mut reader| {
        let (flow, progress) = (Arc::clone(&flow), Arc::clone(&progress));
        async move {
            flow.waiting_for_us.store(true, Ordering::Relaxed);
            let piece = reader.next().await;
            flow.taken();
            flow.waiting_for_us.store(false, Ordering::Relaxed);
            match piece {
                Ok(Some(piece)) => {
                    progress(piece.len() as u64);
                    Ok(Some((piece, reader)))
                }
                Ok(None) => Ok(None::<(Bytes, BlobReader)>),
                Err(error) => {
                    // The body ends short of its Content-Length, so no
                    // registry can take the upload for complete.
                    let text = error.to_string();
                    *flow
                        .source_error
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Err(std::io::Error::other(text))
                }
            }
        }
    });
    reqwest::Body::wrap_stream(stream)
}
