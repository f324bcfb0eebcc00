//! `/v2/<name>/blobs/uploads/` and the sessions it opens.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use oci_spec::image::Digest;

use super::answer::{Answer, CONTENT_DIGEST};
use super::failure::{Code, Failure};
use super::options::Mounts;
use super::range::chunk;
use super::route::{digest, is_repository};
use super::sessions::Upload;
use super::site::{Site, parameter, text};

/// How long the next piece of a body may take.
pub(crate) const STALL: Duration = Duration::from_secs(60);

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// POST: a mount, a whole blob at once, or a session.
pub(crate) async fn start(
    site: &Site,
    repository: &str,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    let query = parts.uri.query().unwrap_or_default();
    if let Some(mount) = parameter(query, "mount") {
        let mounted = digest(&mount)?;
        let from = parameter(query, "from").filter(|from| is_repository(from));
        if let Some(from) = from
            && site.options.mounts == Mounts::Granted
            && site.store.mount(&from, repository, &mounted)
        {
            return Ok(created(site, repository, parts, &mounted));
        }
    } else if let Some(whole) = parameter(query, "digest") {
        let wanted = digest(&whole)?;
        let upload = Upload::default();
        receive(&upload, 0, body).await?;
        let blob = upload.finish(&wanted)?;
        site.store.put_blob(repository, wanted.clone(), blob);
        return Ok(created(site, repository, parts, &wanted));
    }
    let id = site.sessions.open(repository)?;
    Ok(progress(
        site,
        StatusCode::ACCEPTED,
        parts,
        repository,
        &id,
        0,
    ))
}

/// PATCH: a chunk at the end of what is there.
pub(crate) async fn append(
    site: &Site,
    repository: &str,
    id: &str,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    let upload = site.sessions.get(repository, id)?;
    let offset = position(&upload, parts, &body)?;
    let offset = receive(&upload, offset, body).await?;
    Ok(progress(
        site,
        StatusCode::ACCEPTED,
        parts,
        repository,
        id,
        offset,
    ))
}

/// GET: how much is there.
pub(crate) fn status(
    site: &Site,
    repository: &str,
    id: &str,
    parts: &Parts,
) -> Result<Answer, Failure> {
    let offset = site.sessions.get(repository, id)?.offset();
    Ok(progress(
        site,
        StatusCode::NO_CONTENT,
        parts,
        repository,
        id,
        offset,
    ))
}

/// PUT: the last chunk, if any, and the digest of the whole.
pub(crate) async fn complete(
    site: &Site,
    repository: &str,
    id: &str,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    let upload = site.sessions.get(repository, id)?;
    let query = parts.uri.query().unwrap_or_default();
    let Some(wanted) = parameter(query, "digest") else {
        return Err(Failure::new(
            Code::DigestInvalid,
            "the upload is completed without `digest`",
        ));
    };
    let wanted = digest(&wanted)?;
    let offset = position(&upload, parts, &body)?;
    receive(&upload, offset, body).await?;
    let blob = site.sessions.close(repository, id)?.finish(&wanted)?;
    site.store.put_blob(repository, wanted.clone(), blob);
    Ok(created(site, repository, parts, &wanted))
}

/// DELETE
pub(crate) fn cancel(site: &Site, repository: &str, id: &str) -> Result<Answer, Failure> {
    site.sessions.close(repository, id)?;
    Ok(Answer::new(StatusCode::NO_CONTENT))
}

/// Where this body goes; `Content-Range`, if sent, has to say the same.
fn position(upload: &Upload, parts: &Parts, body: &Incoming) -> Result<u64, Failure> {
    let offset = upload.offset();
    let Some(range) = text(&parts.headers, header::CONTENT_RANGE) else {
        return Ok(offset);
    };
    let Some((first, length)) = chunk(range) else {
        return Err(Failure::new(
            Code::BlobUploadInvalid,
            format!("{range} is no Content-Range of a chunk"),
        ));
    };
    let sent = body.size_hint().exact();
    if sent.is_some_and(|sent| sent != length) {
        return Err(Failure::new(
            Code::BlobUploadInvalid,
            format!("Content-Range {range} has another length than the body"),
        ));
    }
    if first != offset {
        return Err(Failure::new(
            Code::RangeInvalid,
            format!("the chunk begins at {first}, the upload is at {offset}"),
        ));
    }
    Ok(offset)
}

/// Adds a body to an upload and returns where the upload is then.
async fn receive(upload: &Upload, mut offset: u64, mut body: Incoming) -> Result<u64, Failure> {
    if let Some(length) = body.size_hint().exact() {
        upload.reserve(length);
    }
    while let Some(data) = next(&mut body).await? {
        offset = upload.append(offset, &data)?;
    }
    Ok(offset)
}

/// The next piece of a request's body.
pub(crate) async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame = tokio::time::timeout(STALL, body.frame())
            .await
            .map_err(|_| Failure::new(Code::BlobUploadInvalid, "the body stalled"))?;
        let Some(frame) = frame else {
            return Ok(None);
        };
        let frame = frame.map_err(|error| {
            Failure::new(
                Code::BlobUploadInvalid,
                format!("the body broke off: {error}"),
            )
        })?;
        // Trailers say nothing that a registry needs.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

fn progress(
    site: &Site,
    status: StatusCode,
    parts: &Parts,
    repository: &str,
    id: &str,
    offset: u64,
) -> Answer {
    let location = site.link(
        &parts.headers,
        &format!("/v2/{repository}/blobs/uploads/{id}"),
    );
    Answer::new(status)
        .header(header::LOCATION, location)
        // Inclusive, so that nothing and one byte look the same: that is how distribution does it.
        .header(header::RANGE, format!("0-{}", offset.saturating_sub(1)))
        .header(UPLOAD_ID, id)
}

fn created(site: &Site, repository: &str, parts: &Parts, digest: &Digest) -> Answer {
    let location = site.link(&parts.headers, &format!("/v2/{repository}/blobs/{digest}"));
    Answer::new(StatusCode::CREATED)
        .header(header::LOCATION, location)
        .header(CONTENT_DIGEST, digest)
}
