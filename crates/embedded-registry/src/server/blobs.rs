//! `/v2/<name>/blobs/<digest>`

use http::{StatusCode, header};
use oci_spec::image::Digest;

use super::answer::{Answer, CONTENT_DIGEST, Part};
use super::failure::{Code, Failure};
use super::range::{Asked, asked};
use super::store::Store;

/// What blobs are to a registry.
const MEDIA_TYPE: &str = "application/octet-stream";

fn unknown(repository: &str, digest: &Digest) -> Failure {
    Failure::new(
        Code::BlobUnknown,
        format!("{repository} has no blob {digest}"),
    )
}

/// GET and HEAD, the former with one byte range.
pub(crate) fn read(
    store: &Store,
    repository: &str,
    digest: &Digest,
    part: Part,
    range: Option<&str>,
) -> Result<Answer, Failure> {
    let blob = store
        .blob(repository, digest)
        .ok_or_else(|| unknown(repository, digest))?;
    let size = blob.len();
    let range = range.filter(|_| part == Part::Whole);
    let answer = |status| Answer::new(status).header(CONTENT_DIGEST, digest);
    match asked(range, size) {
        Asked::Everything => Ok(answer(StatusCode::OK)
            .header(header::ACCEPT_RANGES, "bytes")
            .content(MEDIA_TYPE, blob, part)),
        Asked::Slice(slice) => Ok(answer(StatusCode::PARTIAL_CONTENT)
            .header(
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{size}", slice.start, slice.end - 1),
            )
            .content(MEDIA_TYPE, blob.slice(slice), part)),
        Asked::Unsatisfiable => Ok(Failure::new(
            Code::RangeInvalid,
            format!("{digest} has {size} bytes"),
        )
        .into_answer()
        .header(header::CONTENT_RANGE, format!("bytes */{size}"))),
    }
}

/// DELETE
pub(crate) fn delete(store: &Store, repository: &str, digest: &Digest) -> Result<Answer, Failure> {
    if !store.remove_blob(repository, digest) {
        return Err(unknown(repository, digest));
    }
    Ok(Answer::new(StatusCode::ACCEPTED).header(CONTENT_DIGEST, digest))
}
