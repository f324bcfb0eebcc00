//! Manifests: `/v2/<name>/manifests/<reference>`.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use hyper::body::{Body, Incoming};

use super::api_error::{ApiError, ErrorCode};
use super::manifest_fields::ManifestFields;
use super::registry::{Blobs, Children, Referrers};
use super::request_body::next_frame;
use super::response::{CONTENT_DIGEST, ReadMethod, Response};
use super::route::Reference;
use super::state::{ServerState, header_text};
use super::store::{NotFound, StoredManifest};
use crate::digests::{digest_of, has_digest};

/// The largest manifest. Registries must accept this size, and most accept no larger one
/// (distribution specification, "Pushing Manifests").
const MAX_MANIFEST: usize = 4 << 20;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// Serves GET and HEAD.
pub(crate) fn read(
    state: &ServerState,
    repository: &str,
    reference: &Reference,
    method: ReadMethod,
) -> Result<Response, ApiError> {
    let manifest = state
        .store
        .manifest(repository, reference)
        .map_err(|missing| not_found(missing, repository, reference))?;
    Ok(Response::new(StatusCode::OK)
        .header(CONTENT_DIGEST, &manifest.digest)
        .content(&manifest.media_type, manifest.bytes, method))
}

/// Serves PUT.
pub(crate) async fn write(
    state: &ServerState,
    repository: &str,
    reference: &Reference,
    request: &Parts,
    body: Incoming,
) -> Result<Response, ApiError> {
    let bytes = read_body(body).await?;
    let fields = ManifestFields::parse(&bytes)
        .map_err(|error| ApiError::new(ErrorCode::ManifestInvalid, error.to_string()))?;
    let media_type = media_type(request, &fields)?;
    let digest = match reference {
        Reference::Tag(_) => digest_of(&bytes),
        Reference::Digest(digest) if has_digest(&bytes, digest) == Some(true) => digest.clone(),
        Reference::Digest(digest) => {
            return Err(ApiError::new(
                ErrorCode::DigestInvalid,
                format!(
                    "the manifest of {} bytes does not match {digest}",
                    bytes.len()
                ),
            ));
        }
    };
    check_references(state, repository, &fields)?;
    let tag = match reference {
        Reference::Tag(tag) => Some(tag.as_str()),
        Reference::Digest(_) => None,
    };
    let location = state.link(
        &request.headers,
        &format!("/v2/{repository}/manifests/{digest}"),
    );
    let mut response = Response::new(StatusCode::CREATED)
        .header(header::LOCATION, location)
        .header(CONTENT_DIGEST, &digest);
    if let (Referrers::Api, Some(subject)) = (state.options.referrers, fields.subject()) {
        response = response.header(OCI_SUBJECT, subject);
    }
    let manifest = StoredManifest {
        media_type,
        digest,
        bytes,
    };
    state.store.put_manifest(repository, tag, manifest, &fields);
    Ok(response)
}

/// Serves DELETE.
pub(crate) fn delete(
    state: &ServerState,
    repository: &str,
    reference: &Reference,
) -> Result<Response, ApiError> {
    state
        .store
        .remove_manifest(repository, reference)
        .map_err(|missing| not_found(missing, repository, reference))?;
    Ok(Response::new(StatusCode::ACCEPTED))
}

async fn read_body(mut body: Incoming) -> Result<Bytes, ApiError> {
    let expected = body
        .size_hint()
        .exact()
        .and_then(|size| usize::try_from(size).ok());
    let mut bytes = Vec::with_capacity(expected.unwrap_or(0).min(MAX_MANIFEST));
    while let Some(data) = next_frame(&mut body).await? {
        if bytes.len() + data.len() > MAX_MANIFEST {
            return Err(ApiError::new(
                ErrorCode::SizeInvalid,
                format!("manifest larger than {MAX_MANIFEST} bytes"),
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Bytes::from(bytes))
}

/// Returns the media type of the request. The manifest's own media type must be the same.
fn media_type(request: &Parts, fields: &ManifestFields) -> Result<String, ApiError> {
    let header = header_text(&request.headers, header::CONTENT_TYPE);
    match (header, fields.media_type.as_deref()) {
        (Some(header), Some(field)) if header != field => Err(ApiError::new(
            ErrorCode::ManifestInvalid,
            format!("Content-Type {header} differs from mediaType {field}"),
        )),
        (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type.to_owned()),
        (None, None) => Err(ApiError::new(
            ErrorCode::ManifestInvalid,
            "no media type in Content-Type or mediaType",
        )),
    }
}

/// Returns an error if the repository lacks content that a manifest refers to.
fn check_references(
    state: &ServerState,
    repository: &str,
    fields: &ManifestFields,
) -> Result<(), ApiError> {
    let children = fields
        .children()
        .filter(|_| state.options.children == Children::Required);
    let blobs = fields
        .blobs()
        .filter(|_| state.options.blobs == Blobs::Required);
    let missing = state.store.missing(repository, blobs, children);
    if missing.is_empty() {
        return Ok(());
    }
    let digests: Vec<&str> = missing.iter().map(AsRef::as_ref).collect();
    Err(ApiError::new(
        ErrorCode::ManifestBlobUnknown,
        format!("missing in {repository}: {}", digests.join(", ")),
    ))
}

fn not_found(missing: NotFound, repository: &str, reference: &Reference) -> ApiError {
    let reference = match reference {
        Reference::Tag(tag) => tag.as_str(),
        Reference::Digest(digest) => digest.as_ref(),
    };
    match missing {
        NotFound::Repository => ApiError::new(
            ErrorCode::NameUnknown,
            format!("no repository {repository}"),
        ),
        NotFound::Content => ApiError::new(
            ErrorCode::ManifestUnknown,
            format!("no manifest {reference} in {repository}"),
        ),
    }
}
