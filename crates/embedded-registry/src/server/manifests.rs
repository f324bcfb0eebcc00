//! `/v2/<name>/manifests/<reference>`

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use hyper::body::{Body, Incoming};

use super::answer::{Answer, CONTENT_DIGEST, Part};
use super::failure::{Code, Failure};
use super::options::{Children, Referrers};
use super::route::Reference;
use super::shape::Shape;
use super::site::{Site, text};
use super::store::{Missing, StoredManifest};
use super::uploads::next;
use crate::digests::{digest_of, has_digest};

/// The size that every registry has to take and most take no more than (distribution
/// specification, "Pushing Manifests").
const MAX_MANIFEST: usize = 4 << 20;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

fn missing(missing: Missing, repository: &str, reference: &Reference) -> Failure {
    let reference = match reference {
        Reference::Tag(tag) => tag.as_str(),
        Reference::Digest(digest) => digest.as_ref(),
    };
    match missing {
        Missing::Repository => Failure::new(
            Code::NameUnknown,
            format!("there is no repository {repository}"),
        ),
        Missing::Content => Failure::new(
            Code::ManifestUnknown,
            format!("{repository} has no manifest {reference}"),
        ),
    }
}

/// GET and HEAD
pub(crate) fn read(
    site: &Site,
    repository: &str,
    reference: &Reference,
    part: Part,
) -> Result<Answer, Failure> {
    let manifest = site
        .store
        .manifest(repository, reference)
        .map_err(|what| missing(what, repository, reference))?;
    Ok(Answer::new(StatusCode::OK)
        .header(CONTENT_DIGEST, &manifest.digest)
        .content(&manifest.media_type, manifest.bytes, part))
}

/// PUT
pub(crate) async fn write(
    site: &Site,
    repository: &str,
    reference: &Reference,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    let bytes = receive(body).await?;
    let shape = Shape::parse(&bytes)
        .map_err(|error| Failure::new(Code::ManifestInvalid, error.to_string()))?;
    let media_type = media_type(parts, &shape)?;
    let digest = match reference {
        Reference::Tag(_) => digest_of(&bytes),
        Reference::Digest(digest) if has_digest(&bytes, digest) == Some(true) => digest.clone(),
        Reference::Digest(digest) => {
            return Err(Failure::new(
                Code::DigestInvalid,
                format!("the {} bytes that came are not {digest}", bytes.len()),
            ));
        }
    };
    require(site, repository, &shape)?;
    let tag = match reference {
        Reference::Tag(tag) => Some(tag.as_str()),
        Reference::Digest(_) => None,
    };
    let location = site.link(
        &parts.headers,
        &format!("/v2/{repository}/manifests/{digest}"),
    );
    let mut answer = Answer::new(StatusCode::CREATED)
        .header(header::LOCATION, location)
        .header(CONTENT_DIGEST, &digest);
    if let (Referrers::Api, Some(subject)) = (site.options.referrers, shape.subject()) {
        answer = answer.header(OCI_SUBJECT, subject);
    }
    let manifest = StoredManifest {
        media_type,
        digest,
        bytes,
    };
    site.store.put_manifest(repository, tag, manifest, &shape);
    Ok(answer)
}

/// DELETE
pub(crate) fn delete(
    site: &Site,
    repository: &str,
    reference: &Reference,
) -> Result<Answer, Failure> {
    site.store
        .remove_manifest(repository, reference)
        .map_err(|what| missing(what, repository, reference))?;
    Ok(Answer::new(StatusCode::ACCEPTED))
}

async fn receive(mut body: Incoming) -> Result<Bytes, Failure> {
    let expected = body
        .size_hint()
        .exact()
        .and_then(|size| usize::try_from(size).ok());
    let mut bytes = Vec::with_capacity(expected.unwrap_or(0).min(MAX_MANIFEST));
    while let Some(data) = next(&mut body).await? {
        if bytes.len() + data.len() > MAX_MANIFEST {
            return Err(Failure::new(
                Code::SizeInvalid,
                format!("a manifest has at most {MAX_MANIFEST} bytes"),
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Bytes::from(bytes))
}

/// The type that the push names; one named in the manifest has to be the same.
fn media_type(parts: &Parts, shape: &Shape) -> Result<String, Failure> {
    let pushed = text(&parts.headers, header::CONTENT_TYPE);
    match (pushed, shape.media_type.as_deref()) {
        (Some(pushed), Some(named)) if pushed != named => Err(Failure::new(
            Code::ManifestInvalid,
            format!("Content-Type is {pushed}, the manifest says {named}"),
        )),
        (Some(media_type), _) | (None, Some(media_type)) => Ok(media_type.to_owned()),
        (None, None) => Err(Failure::new(
            Code::ManifestInvalid,
            "neither Content-Type nor the manifest names a media type",
        )),
    }
}

/// Refuses a manifest whose content is not all there.
fn require(site: &Site, repository: &str, shape: &Shape) -> Result<(), Failure> {
    let children = shape
        .children()
        .filter(|_| site.options.children == Children::Required);
    let lacking = site.store.lacking(repository, shape.blobs(), children);
    if lacking.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = lacking.iter().map(AsRef::as_ref).collect();
    Err(Failure::new(
        Code::ManifestBlobUnknown,
        format!("{repository} lacks {}", names.join(", ")),
    ))
}
