//! Blobs: `/v2/<name>/blobs/<digest>`.

use http::{StatusCode, header};
use oci_spec::image::Digest;

use super::api_error::{ApiError, ErrorCode};
use super::range::RequestedRange;
use super::response::{CONTENT_DIGEST, ReadMethod, Response};
use super::store::Store;

/// The `Content-Type` of every blob: a registry does not know what a blob holds.
const MEDIA_TYPE: &str = "application/octet-stream";

/// Serves GET and HEAD; GET with at most one byte range.
pub(crate) fn read(
    store: &Store,
    repository: &str,
    digest: &Digest,
    method: ReadMethod,
    range: Option<&str>,
) -> Result<Response, ApiError> {
    let blob = store
        .blob(repository, digest)
        .ok_or_else(|| unknown(repository, digest))?;
    let size = blob.len();
    let range = range.filter(|_| method == ReadMethod::Get);
    let response = |status| Response::new(status).header(CONTENT_DIGEST, digest);
    match RequestedRange::parse(range, size) {
        RequestedRange::Whole => Ok(response(StatusCode::OK)
            .header(header::ACCEPT_RANGES, "bytes")
            .content(MEDIA_TYPE, blob, method)),
        RequestedRange::Slice(slice) => Ok(response(StatusCode::PARTIAL_CONTENT)
            .header(
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{size}", slice.start, slice.end - 1),
            )
            .content(MEDIA_TYPE, blob.slice(slice), method)),
        RequestedRange::Unsatisfiable => Ok(ApiError::new(
            ErrorCode::RangeInvalid,
            format!("range outside of {digest}, which has {size} bytes"),
        )
        .into_response()
        .header(header::CONTENT_RANGE, format!("bytes */{size}"))),
    }
}

/// Serves DELETE.
pub(crate) fn delete(
    store: &Store,
    repository: &str,
    digest: &Digest,
) -> Result<Response, ApiError> {
    if !store.remove_blob(repository, digest) {
        return Err(unknown(repository, digest));
    }
    Ok(Response::new(StatusCode::ACCEPTED).header(CONTENT_DIGEST, digest))
}

fn unknown(repository: &str, digest: &Digest) -> ApiError {
    ApiError::new(
        ErrorCode::BlobUnknown,
        format!("no blob {digest} in {repository}"),
    )
}
