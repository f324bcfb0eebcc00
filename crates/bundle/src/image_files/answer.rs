//! The responses of an image file to the requests of the distribution specification.

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use image_name::{Digest, ManifestReference, RepositoryPath, Tag};
use registry_client::{Body, ContentHasher, LocalError, sha256_digest};
use serde_json::json;

use super::store::{Chunks, ImageStore, StoredManifest};

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The session of every upload: all uploads consist of one PUT with the digest.
const SESSION: &str = "local";

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// An endpoint of the distribution specification, "Endpoints".
#[derive(Debug, Clone, PartialEq, Eq)]
enum Endpoint {
    Manifest(ManifestReference),
    Blob(Digest),
    Upload(RepositoryPath),
    Tags(RepositoryPath),
    Referrers(Digest),
}

/// Returns the response to a request.
///
/// # Errors
///
/// [`LocalError`] for content that cannot be read or written.
pub(super) async fn answer(
    store: &dyn ImageStore,
    request: Request<Body>,
) -> Result<Response<Body>, LocalError> {
    let Some(endpoint) = endpoint(request.uri()) else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    match endpoint {
        Endpoint::Manifest(reference) if *request.method() == Method::PUT => {
            write_manifest(store, &reference, request).await
        }
        Endpoint::Manifest(reference) => read_manifest(store, &reference, &request).await,
        Endpoint::Blob(digest) => read_blob(store, &digest, &request).await,
        Endpoint::Upload(repository) => upload(store, &repository, request).await,
        Endpoint::Tags(repository) => {
            let tags = store.tags().await?;
            let tags: Vec<_> = tags.iter().map(Tag::as_str).collect();
            let list = json!({"name": repository.as_str(), "tags": tags});
            Ok(document(&list, "application/json"))
        }
        Endpoint::Referrers(subject) => {
            let manifests = store.referrers(&subject).await?;
            let index =
                json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests});
            Ok(document(&index, INDEX_TYPE))
        }
    }
}

/// Returns the endpoint of a URL, read from its end: a repository may have any of these names.
fn endpoint(uri: &Uri) -> Option<Endpoint> {
    let path = uri.path().strip_prefix("/v2/")?;
    if let Some(repository) = path.strip_suffix("/tags/list") {
        return repository.parse().ok().map(Endpoint::Tags);
    }
    let (above, last) = path.rsplit_once('/')?;
    if let Some(repository) = above.strip_suffix("/blobs/uploads") {
        return repository.parse().ok().map(Endpoint::Upload);
    }
    match above.rsplit_once('/')?.1 {
        "manifests" => last.parse().ok().map(Endpoint::Manifest),
        "blobs" => last.parse().ok().map(Endpoint::Blob),
        "referrers" => last.parse().ok().map(Endpoint::Referrers),
        _ => None,
    }
}

async fn read_manifest(
    store: &dyn ImageStore,
    reference: &ManifestReference,
    request: &Request<Body>,
) -> Result<Response<Body>, LocalError> {
    let Some(found) = store.manifest(reference).await? else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    let mut headers = HeaderMap::new();
    insert(&mut headers, CONTENT_TYPE, &found.media_type);
    insert(&mut headers, CONTENT_DIGEST, found.digest.as_str());
    headers.insert(CONTENT_LENGTH, HeaderValue::from(found.bytes.len()));
    let body = match *request.method() {
        Method::HEAD => Bytes::new(),
        _ => found.bytes,
    };
    Ok(response(StatusCode::OK, headers, body.into()))
}

async fn read_blob(
    store: &dyn ImageStore,
    digest: &Digest,
    request: &Request<Body>,
) -> Result<Response<Body>, LocalError> {
    let mut headers = HeaderMap::new();
    if *request.method() == Method::HEAD {
        let Some(size) = store.blob_size(digest).await? else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        return Ok(response(StatusCode::OK, headers, Bytes::new().into()));
    }
    let offset = range_start(request.headers());
    let Some(blob) = store.read_blob(digest, offset.unwrap_or(0)).await? else {
        return Ok(status(StatusCode::NOT_FOUND));
    };
    let start = offset.unwrap_or(0).min(blob.size);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(blob.size - start));
    let code = match offset {
        None => StatusCode::OK,
        Some(_) => {
            let end = blob.size.saturating_sub(1);
            let range = format!("bytes {start}-{end}/{}", blob.size);
            insert(&mut headers, CONTENT_RANGE, &range);
            StatusCode::PARTIAL_CONTENT
        }
    };
    let body = Body::wrap_stream(blob.chunks);
    Ok(response(code, headers, body))
}

async fn upload(
    store: &dyn ImageStore,
    repository: &RepositoryPath,
    request: Request<Body>,
) -> Result<Response<Body>, LocalError> {
    match *request.method() {
        Method::POST => {
            let mut headers = HeaderMap::new();
            let session = format!("/v2/{repository}/blobs/uploads/{SESSION}");
            insert(&mut headers, LOCATION, &session);
            Ok(response(StatusCode::ACCEPTED, headers, Bytes::new().into()))
        }
        Method::PUT => {
            let digest = request.uri().query().and_then(uploaded_digest);
            let size = request.headers().get(CONTENT_LENGTH);
            let size = size.and_then(|size| size.to_str().ok()?.parse().ok());
            let Some(digest) = digest else {
                return Ok(status(StatusCode::BAD_REQUEST));
            };
            let body = chunks(request);
            store.write_blob(&digest, size.unwrap_or(0), body).await?;
            Ok(status(StatusCode::CREATED))
        }
        Method::DELETE => Ok(status(StatusCode::NO_CONTENT)),
        _ => Ok(status(StatusCode::METHOD_NOT_ALLOWED)),
    }
}

async fn write_manifest(
    store: &dyn ImageStore,
    reference: &ManifestReference,
    request: Request<Body>,
) -> Result<Response<Body>, LocalError> {
    let media_type = request.headers().get(CONTENT_TYPE).cloned();
    let mut body = chunks(request);
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    let bytes = Bytes::from(bytes);
    let digest = match reference.digest() {
        Some(digest) if digest_like(digest, &bytes) == digest.as_str() => digest.clone(),
        Some(_) => return Ok(status(StatusCode::BAD_REQUEST)),
        None => sha256_digest(&bytes),
    };
    let mut headers = HeaderMap::new();
    insert(&mut headers, CONTENT_DIGEST, digest.as_str());
    let media_type = media_type.as_ref().and_then(|value| value.to_str().ok());
    let manifest = StoredManifest {
        bytes,
        media_type: media_type.unwrap_or_default().to_owned(),
        digest,
    };
    // A store lists the referrers of a subject, so no tag is needed for them.
    if let Some(subject) = store.write_manifest(reference, manifest).await? {
        insert(&mut headers, OCI_SUBJECT, subject.as_str());
    }
    Ok(response(StatusCode::CREATED, headers, Bytes::new().into()))
}

fn digest_like(like: &Digest, bytes: &[u8]) -> String {
    let mut hasher = ContentHasher::for_digest(like);
    hasher.update(bytes);
    hasher.finish()
}

/// Returns the digest in the query of an upload.
fn uploaded_digest(query: &str) -> Option<Digest> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, digest) = pairs.find(|(key, _)| *key == "digest")?;
    digest.replace("%3A", ":").parse().ok()
}

/// Returns the body of a request.
fn chunks(request: Request<Body>) -> Chunks {
    let stream = request.into_body().into_data_stream();
    stream.map(|chunk| chunk.map_err(LocalError::new)).boxed()
}

/// Returns the start of a range `bytes=START-`, the only form that the client sends.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

fn document(content: &serde_json::Value, media_type: &str) -> Response<Body> {
    let mut headers = HeaderMap::new();
    insert(&mut headers, CONTENT_TYPE, media_type);
    response(StatusCode::OK, headers, content.to_string().into())
}

fn status(code: StatusCode) -> Response<Body> {
    response(code, HeaderMap::new(), Bytes::new().into())
}

/// Sets a header. A value that HTTP cannot carry is left out.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn response(code: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    response
}
