//! A bundle as a registry inside this process, from which its images are copied.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use http::{Method, Request, Response, StatusCode, header};
use image_name::{Digest, ManifestReference, RepositoryPath};
use registry_client::{Blob, Body, InProcessRegistry, Repository, source_path};

use super::content::BundleContent;
use super::error::{MAX_MANIFEST, ReadError};
use super::head::Head;
use super::manifests::{Node, manifest};
use super::referrer::referrers_index;
use crate::contents::{AttachedManifest, BundledImage};

/// A registry that has the images of a bundle, each in its source repository.
///
/// It serves the tags of the images and the digest tags of their attached content, lists referrers, and
/// reads manifests that the bundle only requires from the destinations of their images.
#[derive(Debug)]
pub struct BundleRegistry {
    head: Arc<Head>,
    content: Arc<dyn BundleContent>,
    repositories: HashMap<RepositoryPath, SourceRepository>,
    required: HashMap<Digest, u64>,
    /// Destination repositories that have required blobs.
    locations: HashMap<Digest, Repository>,
    /// The media types of manifests, from the documents that refer to them.
    media_types: Mutex<HashMap<Digest, String>>,
    /// The first error of the bundle.
    failure: Mutex<Option<ReadError>>,
}

/// A source repository of the bundle's images.
#[derive(Debug, Default)]
struct SourceRepository {
    tags: BTreeMap<String, Digest>,
    /// The sizes of manifests that are tagged.
    sizes: HashMap<Digest, u64>,
    /// The referrers by subject.
    referrers: HashMap<Digest, BTreeSet<AttachedManifest>>,
    /// The repositories that have the required manifests.
    destinations: Vec<Repository>,
}

/// The part of the API that a request is for.
enum Endpoint<'a> {
    Manifest(&'a str),
    Blob(Digest),
    Tags,
    Referrers(Digest),
}

impl BundleRegistry {
    /// Creates the registry of the given images, which are images of the bundle.
    #[must_use]
    pub fn new<'i>(
        head: &Arc<Head>,
        content: Arc<dyn BundleContent>,
        images: impl IntoIterator<Item = &'i BundledImage>,
    ) -> Self {
        let mut repositories: HashMap<RepositoryPath, SourceRepository> = HashMap::new();
        let mut media_types = HashMap::new();
        for image in images {
            let path = source_path(&image.source.reference(&image.tag));
            let repository = repositories.entry(path).or_default();
            media_types.insert(image.digest.clone(), image.media_type.clone());
            if let Some(tag) = image.tag.tag() {
                let tag = tag.as_str().to_owned();
                repository.tags.insert(tag, image.digest.clone());
            }
            repository.sizes.insert(image.digest.clone(), image.size);
            for attached in &image.attached {
                let (digest, media_type) = (&attached.digest, &attached.media_type);
                media_types.insert(digest.clone(), media_type.clone());
                repository.sizes.insert(digest.clone(), attached.size);
                repository.attach(attached);
            }
        }
        let required = head.contents.requires.iter();
        Self {
            required: required.map(|it| (it.digest.clone(), it.size)).collect(),
            locations: HashMap::new(),
            head: Arc::clone(head),
            content,
            repositories,
            media_types: Mutex::new(media_types),
            failure: Mutex::default(),
        }
    }

    /// Sets the repositories from which manifests are read that the bundle only requires.
    pub fn set_destination(&mut self, image: &BundledImage, destination: Repository) {
        let path = source_path(&image.source.reference(&image.tag));
        if let Some(repository) = self.repositories.get_mut(&path)
            && !repository.destinations.contains(&destination)
        {
            repository.destinations.push(destination);
        }
    }

    /// Sets a destination repository that has a required blob.
    pub fn set_location(&mut self, digest: Digest, repository: Repository) {
        self.locations.insert(digest, repository);
    }

    /// Returns the first error of the bundle itself, such as a file that cannot be read.
    #[must_use]
    pub fn take_failure(&self) -> Option<ReadError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    async fn handle(&self, request: &Request<Body>) -> Result<Response<Body>, ReadError> {
        let path = request.uri().path();
        let Some((repository, endpoint)) = self.route(path) else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let with_body = match *request.method() {
            Method::GET => true,
            Method::HEAD => false,
            _ => return Ok(status(StatusCode::METHOD_NOT_ALLOWED)),
        };
        match endpoint {
            Endpoint::Manifest(reference) => {
                let digest = repository.digest(reference);
                match digest {
                    Some(digest) => self.manifest(repository, &digest, with_body).await,
                    None => Ok(status(StatusCode::NOT_FOUND)),
                }
            }
            Endpoint::Blob(digest) => self.blob(&digest, start(request), with_body).await,
            Endpoint::Tags => {
                let tags: Vec<&String> = repository.tags.keys().collect();
                let list = serde_json::json!({ "name": path, "tags": tags });
                Ok(document(
                    list.to_string().into(),
                    "application/json",
                    with_body,
                ))
            }
            Endpoint::Referrers(subject) => {
                let listed = repository.referrers.get(&subject).into_iter().flatten();
                let mut referrers = Vec::new();
                for referrer in listed {
                    let bytes = self.content.document(&referrer.digest).await?;
                    referrers.push((referrer, bytes));
                }
                let (index, media_type) = referrers_index(&referrers);
                Ok(document(index.into(), media_type, with_body))
            }
        }
    }

    fn route<'a>(&self, path: &'a str) -> Option<(&SourceRepository, Endpoint<'a>)> {
        let path = path.strip_prefix("/v2/")?;
        let (rest, last) = path.rsplit_once('/')?;
        let (name, kind) = rest.rsplit_once('/')?;
        let endpoint = match kind {
            "manifests" => Endpoint::Manifest(last),
            "blobs" => Endpoint::Blob(last.parse().ok()?),
            "referrers" => Endpoint::Referrers(last.parse().ok()?),
            "tags" if last == "list" => Endpoint::Tags,
            _ => return None,
        };
        let name: RepositoryPath = name.parse().ok()?;
        Some((self.repositories.get(&name)?, endpoint))
    }

    async fn manifest(
        &self,
        repository: &SourceRepository,
        digest: &Digest,
        with_body: bool,
    ) -> Result<Response<Body>, ReadError> {
        let bytes = match self.content.size(digest) {
            Some(size) if size > MAX_MANIFEST => None,
            Some(_) => self.content.document(digest).await?,
            None if !with_body && self.required.contains_key(digest) => {
                return Ok(self.required_head(repository, digest));
            }
            None => repository.read_at_destination(digest).await,
        };
        let Some(bytes) = bytes else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        // Content of an index that is no manifest is a blob.
        let Ok(node) = Node::parse(digest, bytes.clone()) else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let media_type = self.learn_media_types(digest, &bytes, &node);
        let mut response = document(bytes, &media_type, with_body);
        set_digest(&mut response, digest);
        Ok(response)
    }

    /// Returns the head of a manifest that is not in the bundle.
    fn required_head(&self, repository: &SourceRepository, digest: &Digest) -> Response<Body> {
        let Some(size) = repository.sizes.get(digest) else {
            return status(StatusCode::NOT_FOUND);
        };
        let media_types = self
            .media_types
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let media_type = media_types.get(digest).cloned().unwrap_or_default();
        let mut response = document(Bytes::new(), &media_type, false);
        set_length(&mut response, *size);
        set_digest(&mut response, digest);
        response
    }

    /// Returns the media type of a manifest, and notes those of its children: a manifest without one has
    /// that of its descriptor.
    fn learn_media_types(&self, digest: &Digest, bytes: &Bytes, node: &Node) -> String {
        let own = manifest(digest, bytes.clone());
        let mut known = self
            .media_types
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for child in node.children.iter().filter(|_| node.is_index) {
            if let Some(media_type) = &child.media_type {
                let entry = known.entry(child.digest.clone());
                entry.or_insert_with(|| media_type.clone());
            }
        }
        match known.get(digest) {
            Some(listed) if !own.has_own_media_type() => listed.clone(),
            _ => own.media_type,
        }
    }

    async fn blob(
        &self,
        digest: &Digest,
        start: u64,
        with_body: bool,
    ) -> Result<Response<Body>, ReadError> {
        let own = self.content.size(digest);
        // Required content is at the destination, which was checked before.
        let size = own.or_else(|| self.required.get(digest).copied());
        let Some(size) = size else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        if !with_body {
            let mut response = Response::default();
            set_length(&mut response, size);
            return Ok(response);
        }
        let content = Arc::clone(&self.content);
        let body = match content.body(digest, start).await? {
            Some(body) => Some(body),
            None => self.required_body(digest, start),
        };
        let Some(body) = body else {
            return Ok(passed());
        };
        let mut response = Response::new(body);
        if start > 0 {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {start}-{}/{size}", size.saturating_sub(1));
            if let Ok(range) = range.parse() {
                response.headers_mut().insert(header::CONTENT_RANGE, range);
            }
        }
        set_length(&mut response, size.saturating_sub(start));
        Ok(response)
    }

    /// Returns required content from the destination repository that has it, for a registry that does not
    /// mount.
    fn required_body(&self, digest: &Digest, start: u64) -> Option<Body> {
        let (size, repository) = (self.required.get(digest)?, self.locations.get(digest)?);
        if start > 0 {
            return None;
        }
        let blob = Blob {
            digest: digest.clone(),
            size: *size,
        };
        let chunks = stream::try_unfold(repository.read_blob(&blob), |mut reader| async move {
            let chunk = reader.next().await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(chunk.map(|chunk| (chunk, reader)))
        });
        Some(Body::wrap_stream(chunks))
    }

    /// Returns the head of the bundle.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }
}

impl InProcessRegistry for BundleRegistry {
    fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>> {
        Box::pin(async move {
            match self.handle(&request).await {
                Ok(response) => response,
                Err(error) => {
                    tracing::debug!(%error, "the bundle cannot be read");
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    let body = Body::from(error.to_string());
                    failure.get_or_insert(error);
                    let mut response = Response::new(body);
                    *response.status_mut() = StatusCode::NOT_FOUND;
                    response
                }
            }
        })
    }
}

impl SourceRepository {
    fn attach(&mut self, attached: &AttachedManifest) {
        match &attached.tag {
            Some(tag) => {
                let tag = tag.as_str().to_owned();
                self.tags.insert(tag, attached.digest.clone());
            }
            None => {
                let referrers = self.referrers.entry(attached.subject.clone());
                referrers.or_default().insert(attached.clone());
            }
        }
    }

    fn digest(&self, reference: &str) -> Option<Digest> {
        match reference.parse().ok()? {
            ManifestReference::Digest(digest) => Some(digest),
            ManifestReference::Tag(tag) => self.tags.get(tag.as_str()).cloned(),
        }
    }

    /// Returns a manifest that the bundle does not have, from the destinations of the images.
    async fn read_at_destination(&self, digest: &Digest) -> Option<Bytes> {
        for destination in &self.destinations {
            match destination.manifest(digest).await {
                Ok(Some(manifest)) => return Some(manifest.bytes),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "cannot read a required manifest"),
            }
        }
        None
    }
}

/// Returns the response for a blob whose place in a stream has passed.
fn passed() -> Response<Body> {
    let message = "the bundle is read as a stream, and this blob cannot be read again: run the import again, \
                   which sends only what is missing";
    let errors = serde_json::json!({ "errors": [{ "code": "BLOB_UNKNOWN", "message": message }] });
    let mut response = document(errors.to_string().into(), "application/json", true);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

fn document(bytes: Bytes, media_type: &str, with_body: bool) -> Response<Body> {
    let length = bytes.len() as u64;
    let body = if with_body { bytes } else { Bytes::new() };
    let mut response = Response::new(Body::from(body));
    if let Ok(media_type) = media_type.parse() {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    set_length(&mut response, length);
    response
}

fn set_length(response: &mut Response<Body>, length: u64) {
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
}

fn set_digest(response: &mut Response<Body>, digest: &Digest) {
    if let Ok(digest) = digest.as_str().parse() {
        response
            .headers_mut()
            .insert("docker-content-digest", digest);
    }
}

/// Returns the start of the requested range, `bytes=N-`.
fn start(request: &Request<Body>) -> u64 {
    let range = request.headers().get(header::RANGE);
    let range = range.and_then(|range| range.to_str().ok());
    let start = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    start.and_then(|start| start.parse().ok()).unwrap_or(0)
}
