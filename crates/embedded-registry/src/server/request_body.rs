//! Request bodies, read frame by frame with a deadline for each.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::api_error::{ApiError, ErrorCode};

/// The longest wait for the next frame.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the next data frame of a request's body, `None` at its end.
///
/// # Errors
///
/// `BLOB_UPLOAD_INVALID` if the body stalls or the connection breaks.
pub(crate) async fn next_frame(body: &mut Incoming) -> Result<Option<Bytes>, ApiError> {
    let invalid = |cause: String| ApiError::new(ErrorCode::BlobUploadInvalid, cause);
    loop {
        let frame = tokio::time::timeout(STALL_TIMEOUT, body.frame())
            .await
            .map_err(|_| {
                invalid(format!(
                    "request body stalled for {} s",
                    STALL_TIMEOUT.as_secs()
                ))
            })?;
        let Some(frame) = frame else {
            return Ok(None);
        };
        let frame = frame.map_err(|error| invalid(format!("incomplete request body: {error}")))?;
        // Trailers hold nothing that a registry needs.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}
