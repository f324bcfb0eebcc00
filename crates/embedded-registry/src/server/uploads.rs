//! Uploads: `/v2/<name>/blobs/uploads/` and the sessions below it.

use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use hyper::body::{Body, Incoming};
use oci_spec::image::Digest;

use super::api_error::{ApiError, ErrorCode};
use super::range::parse_content_range;
use super::registry::Mounts;
use super::request_body::next_frame;
use super::response::{CONTENT_DIGEST, Response};
use super::route::{parse_digest, parse_repository};
use super::state::{ServerState, header_text, query_parameter};
use super::upload_sessions::Upload;

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Serves POST: a mount, a whole blob, or a new session.
pub(crate) async fn start(
    state: &ServerState,
    repository: &str,
    request: &Parts,
    body: Incoming,
) -> Result<Response, ApiError> {
    let query = request.uri.query().unwrap_or_default();
    if let Some(mount) = query_parameter(query, "mount") {
        let blob = parse_digest(&mount)?;
        let from = query_parameter(query, "from").and_then(|from| parse_repository(&from).ok());
        if let Some(from) = from
            && state.options.mounts == Mounts::Granted
            && state.store.mount(&from, repository, &blob)
        {
            return Ok(created(state, repository, request, &blob));
        }
    } else if let Some(digest) = query_parameter(query, "digest") {
        let digest = parse_digest(&digest)?;
        let upload = Upload::default();
        receive(&upload, 0, body).await?;
        let blob = upload.finish(&digest)?;
        state.store.put_blob(repository, digest.clone(), blob);
        return Ok(created(state, repository, request, &digest));
    }
    let id = state.sessions.open(repository)?;
    Ok(progress(
        state,
        StatusCode::ACCEPTED,
        request,
        repository,
        &id,
        0,
    ))
}

/// Serves PATCH: a chunk after the received bytes.
pub(crate) async fn append(
    state: &ServerState,
    repository: &str,
    id: &str,
    request: &Parts,
    body: Incoming,
) -> Result<Response, ApiError> {
    let upload = state.sessions.get(repository, id)?;
    let offset = body_offset(&upload, request, &body)?;
    let offset = receive(&upload, offset, body).await?;
    Ok(progress(
        state,
        StatusCode::ACCEPTED,
        request,
        repository,
        id,
        offset,
    ))
}

/// Serves GET: the offset.
pub(crate) fn status(
    state: &ServerState,
    repository: &str,
    id: &str,
    request: &Parts,
) -> Result<Response, ApiError> {
    let offset = state.sessions.get(repository, id)?.offset();
    Ok(progress(
        state,
        StatusCode::NO_CONTENT,
        request,
        repository,
        id,
        offset,
    ))
}

/// Serves PUT: the last chunk, if any, and the digest of the blob.
pub(crate) async fn complete(
    state: &ServerState,
    repository: &str,
    id: &str,
    request: &Parts,
    body: Incoming,
) -> Result<Response, ApiError> {
    let upload = state.sessions.get(repository, id)?;
    let query = request.uri.query().unwrap_or_default();
    let Some(digest) = query_parameter(query, "digest") else {
        return Err(ApiError::new(
            ErrorCode::DigestInvalid,
            "missing query parameter: digest",
        ));
    };
    let digest = parse_digest(&digest)?;
    let offset = body_offset(&upload, request, &body)?;
    receive(&upload, offset, body).await?;
    let blob = state.sessions.close(repository, id)?.finish(&digest)?;
    state.store.put_blob(repository, digest.clone(), blob);
    Ok(created(state, repository, request, &digest))
}

/// Serves DELETE.
pub(crate) fn cancel(
    state: &ServerState,
    repository: &str,
    id: &str,
) -> Result<Response, ApiError> {
    state.sessions.close(repository, id)?;
    Ok(Response::new(StatusCode::NO_CONTENT))
}

/// Returns the offset of a request's body. A `Content-Range` must agree with it.
fn body_offset(upload: &Upload, request: &Parts, body: &Incoming) -> Result<u64, ApiError> {
    let offset = upload.offset();
    let Some(range) = header_text(&request.headers, header::CONTENT_RANGE) else {
        return Ok(offset);
    };
    let Some((first, length)) = parse_content_range(range) else {
        return Err(ApiError::new(
            ErrorCode::BlobUploadInvalid,
            format!("invalid Content-Range: {range}"),
        ));
    };
    let body_length = body.size_hint().exact();
    if body_length.is_some_and(|body_length| body_length != length) {
        return Err(ApiError::new(
            ErrorCode::BlobUploadInvalid,
            format!("Content-Range {range} differs from the length of the body"),
        ));
    }
    if first != offset {
        return Err(ApiError::new(
            ErrorCode::RangeInvalid,
            format!("chunk at {first}, but the upload is at {offset}"),
        ));
    }
    Ok(offset)
}

/// Appends a body to an upload and returns the new offset.
async fn receive(upload: &Upload, mut offset: u64, mut body: Incoming) -> Result<u64, ApiError> {
    if let Some(length) = body.size_hint().exact() {
        upload.reserve(length);
    }
    while let Some(data) = next_frame(&mut body).await? {
        offset = upload.append(offset, &data)?;
    }
    Ok(offset)
}

fn progress(
    state: &ServerState,
    status: StatusCode,
    request: &Parts,
    repository: &str,
    id: &str,
    offset: u64,
) -> Response {
    let location = state.link(
        &request.headers,
        &format!("/v2/{repository}/blobs/uploads/{id}"),
    );
    Response::new(status)
        .header(header::LOCATION, location)
        // The end is inclusive: as in distribution, no byte and one byte look the same.
        .header(header::RANGE, format!("0-{}", offset.saturating_sub(1)))
        .header(UPLOAD_ID, id)
}

fn created(state: &ServerState, repository: &str, request: &Parts, digest: &Digest) -> Response {
    let location = state.link(
        &request.headers,
        &format!("/v2/{repository}/blobs/{digest}"),
    );
    Response::new(StatusCode::CREATED)
        .header(header::LOCATION, location)
        .header(CONTENT_DIGEST, digest)
}
