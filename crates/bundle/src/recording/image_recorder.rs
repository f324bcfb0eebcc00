//! The registry that records a copy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use image_name::{Digest, ManifestReference, RepositoryName, RepositoryPath};
use oci_spec::image::MediaType;
use registry_client::{Body, InProcessRegistry, Manifest, Repository, sha256_digest};
use serde_json::json;

use super::recorded::{Recorded, RecordedRepository};
use super::request::{CopyRequest, Target};
use super::stored_manifest::StoredManifest;
use crate::base::FarSide;

const CONTENT_DIGEST: &str = "docker-content-digest";
const SUBJECT: &str = "oci-subject";

/// A registry in this process that records a copy.
///
/// It has the manifests and tags that the far side has, and says that it has every blob.
#[derive(Debug)]
pub struct ImageRecorder {
    far_side: Arc<FarSide>,
    recorded: Mutex<Recorded>,
}

impl ImageRecorder {
    /// Creates a registry with the content of the far side.
    #[must_use]
    pub fn new(far_side: Arc<FarSide>) -> Self {
        Self {
            far_side,
            recorded: Mutex::default(),
        }
    }

    /// Adds a repository. `name` is the repository that it stands for, `sources` are those of an image.
    pub fn add_repository(
        &self,
        path: RepositoryPath,
        name: RepositoryName,
        sources: Vec<Repository>,
    ) {
        let mut recorded = self.lock();
        let repository = recorded.repositories.entry(path);
        let repository = repository.or_insert_with(|| RecordedRepository::new(name, Vec::new()));
        for source in sources {
            if !repository.sources.contains(&source) {
                repository.sources.push(source);
            }
        }
    }

    /// Returns the content that was written so far, and forgets it.
    #[must_use]
    pub fn take(&self) -> Recorded {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        // Each critical section leaves the content valid at each step.
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request<Body>) -> Answer {
        let Some(parsed) = CopyRequest::parse(request.method(), request.uri()) else {
            return Answer::Done(status(StatusCode::METHOD_NOT_ALLOWED));
        };
        let path = &parsed.repository;
        match (request.method(), parsed.target) {
            (&Method::PUT, Target::Manifest(reference)) => {
                Answer::Done(self.put(request, path, &reference))
            }
            (&Method::HEAD, Target::Manifest(reference)) => {
                let found = self.find(path, &reference);
                Answer::Done(found.map_or_else(|| status(StatusCode::NOT_FOUND), Found::head))
            }
            (&Method::GET, Target::Manifest(reference)) => match self.find(path, &reference) {
                Some(Found::Stored(stored)) => Answer::Done(manifest_response(&stored.manifest())),
                Some(Found::AtFarSide(digest)) => Answer::FromSource {
                    sources: self.sources(path),
                    digest,
                },
                None => Answer::Done(status(StatusCode::NOT_FOUND)),
            },
            (&Method::HEAD, Target::Blob(digest)) => {
                self.note_blob(path, digest);
                Answer::Done(status(StatusCode::OK))
            }
            (&Method::POST, Target::Mount(digest)) => Answer::Done(self.mount(path, digest)),
            (&Method::GET, Target::Referrers(subject)) => {
                Answer::Done(self.referrers(path, &subject))
            }
            _ => Answer::Done(status(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    fn find(&self, path: &RepositoryPath, reference: &ManifestReference) -> Option<Found> {
        let recorded = self.lock();
        let repository = recorded.repositories.get(path)?;
        let far_side = &self.far_side;
        let digest = match reference {
            ManifestReference::Digest(digest) => digest.clone(),
            ManifestReference::Tag(tag) => {
                let known = || far_side.tag(&repository.name, tag);
                repository.tags.get(tag).or_else(known)?.clone()
            }
        };
        if repository.manifests.contains(&digest) {
            return recorded.manifests.get(&digest).cloned().map(Found::Stored);
        }
        let known = far_side.manifest(&repository.name, &digest);
        known.map(|_| Found::AtFarSide(digest))
    }

    fn put(
        &self,
        request: &Request<Body>,
        path: &RepositoryPath,
        reference: &ManifestReference,
    ) -> Response<Body> {
        let Some(bytes) = request.body().as_bytes() else {
            return status(StatusCode::BAD_REQUEST);
        };
        let media_type = request.headers().get(CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let digest = reference.digest().cloned();
        let manifest = Manifest {
            digest: digest.unwrap_or_else(|| sha256_digest(bytes)),
            bytes: bytes.to_vec().into(),
            media_type: media_type.unwrap_or_default().to_owned(),
        };
        // The engine has parsed it before.
        let Ok(stored) = StoredManifest::new(&manifest) else {
            return status(StatusCode::BAD_REQUEST);
        };
        let mut response = status(StatusCode::CREATED);
        insert(&mut response, CONTENT_DIGEST, stored.digest().as_str());
        if let Some(subject) = stored.subject() {
            insert(&mut response, SUBJECT, subject.as_str());
        }
        let recorded = &mut *self.lock();
        let Some(repository) = recorded.repositories.get_mut(path) else {
            return status(StatusCode::NOT_FOUND);
        };
        let digest = stored.digest().clone();
        repository.manifests.insert(digest.clone());
        if let ManifestReference::Tag(tag) = reference {
            repository.tags.insert(tag.clone(), digest.clone());
        }
        recorded
            .manifests
            .entry(digest)
            .or_insert_with(|| Arc::new(stored));
        response
    }

    fn note_blob(&self, path: &RepositoryPath, digest: Digest) {
        if let Some(repository) = self.lock().repositories.get_mut(path) {
            repository.blobs.insert(digest);
        }
    }

    fn mount(&self, path: &RepositoryPath, digest: Digest) -> Response<Body> {
        let mut response = status(StatusCode::CREATED);
        insert(&mut response, CONTENT_DIGEST, digest.as_str());
        let location = format!("/v2/{path}/blobs/{digest}");
        insert(&mut response, LOCATION.as_str(), &location);
        self.note_blob(path, digest);
        response
    }

    /// Returns the referrers that were written. Those of the far side are found by their digests.
    fn referrers(&self, path: &RepositoryPath, subject: &Digest) -> Response<Body> {
        let recorded = self.lock();
        let repository = recorded.repositories.get(path);
        let manifests = repository.into_iter().flat_map(|it| &it.manifests);
        let stored = manifests.filter_map(|digest| recorded.manifests.get(digest));
        let referrers = stored.filter(|stored| stored.subject() == Some(subject));
        let descriptors: Vec<_> = referrers
            .map(|stored| {
                json!({
                    "mediaType": stored.media_type(),
                    "digest": stored.digest(),
                    "size": stored.size(),
                })
            })
            .collect();
        let media_type = MediaType::ImageIndex.to_string();
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": descriptors,
        });
        let mut response = Response::new(Body::from(index.to_string()));
        insert(&mut response, CONTENT_TYPE.as_str(), &media_type);
        response
    }

    fn sources(&self, path: &RepositoryPath) -> Vec<Repository> {
        let recorded = self.lock();
        let repository = recorded.repositories.get(path);
        repository.map_or_else(Vec::new, |repository| repository.sources.clone())
    }
}

impl InProcessRegistry for ImageRecorder {
    fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>> {
        let answer = self.answer(&request);
        async move {
            match answer {
                Answer::Done(response) => response,
                Answer::FromSource { sources, digest } => from_source(sources, digest).await,
            }
        }
        .boxed()
    }
}

/// The answer to a request.
enum Answer {
    Done(Response<Body>),
    /// The far side has the manifest; its bytes are those of the source.
    FromSource {
        sources: Vec<Repository>,
        digest: Digest,
    },
}

/// A manifest that was found.
enum Found {
    Stored(Arc<StoredManifest>),
    AtFarSide(Digest),
}

impl Found {
    fn head(self) -> Response<Body> {
        let mut response = status(StatusCode::OK);
        match self {
            Self::Stored(stored) => {
                insert(&mut response, CONTENT_DIGEST, stored.digest().as_str());
                insert(&mut response, CONTENT_TYPE.as_str(), stored.media_type());
                insert(
                    &mut response,
                    CONTENT_LENGTH.as_str(),
                    &stored.size().to_string(),
                );
            }
            Self::AtFarSide(digest) => insert(&mut response, CONTENT_DIGEST, digest.as_str()),
        }
        response
    }
}

/// Reads a manifest from the first source that has it. In a task of its own, since the memory for documents
/// belongs to the task that waits for the response.
async fn from_source(sources: Vec<Repository>, digest: Digest) -> Response<Body> {
    let read = tokio::spawn(async move {
        for source in sources {
            match source.manifest(&digest).await {
                Ok(Some(manifest)) => return Some(manifest),
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    "cannot read the children of {digest}: {error}; what is attached to them may be missing"
                ),
            }
        }
        None
    });
    match read.await {
        Ok(Some(manifest)) => manifest_response(&manifest),
        _ => status(StatusCode::NOT_FOUND),
    }
}

fn manifest_response(manifest: &Manifest) -> Response<Body> {
    let mut response = Response::new(Body::from(manifest.bytes.clone()));
    insert(&mut response, CONTENT_DIGEST, manifest.digest.as_str());
    insert(&mut response, CONTENT_TYPE.as_str(), &manifest.media_type);
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(""));
    *response.status_mut() = status;
    response
}

/// Inserts a header. A value that is none is left out.
fn insert(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
