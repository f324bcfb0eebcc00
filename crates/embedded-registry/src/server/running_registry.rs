//! A registry that runs: its start, its content and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::Digest;

use super::access_log::{AccessLog, LoggedRequest};
use super::handler::handle;
use super::manifest_fields::ManifestFields;
use super::registry::Registry;
use super::route::Reference;
use super::state::ServerState;
use super::store::{Store, StoredManifest};
use super::upload_sessions::UploadSessions;
use crate::digests::digest_of;
use crate::http_server::{HttpListener, HttpServer};

impl Registry {
    /// Starts the registry on a free port of 127.0.0.1, in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If no port of the loopback interface is free.
    pub async fn start(self) -> io::Result<RunningRegistry> {
        let listener = HttpListener::bind().await?;
        let state = Arc::new(ServerState {
            log: AccessLog::new(self.access_log),
            options: self,
            store: Store::default(),
            sessions: UploadSessions::default(),
            address: listener.address(),
        });
        let server = listener.serve({
            let state = Arc::clone(&state);
            move |request| {
                let state = Arc::clone(&state);
                async move { handle(&state, request).await }
            }
        });
        Ok(RunningRegistry {
            state,
            _server: server,
        })
    }
}

/// A registry that serves until this handle is dropped. The methods read and write its content
/// without HTTP and without checks.
pub struct RunningRegistry {
    state: Arc<ServerState>,
    _server: HttpServer,
}

impl RunningRegistry {
    /// Returns the address that the registry listens on.
    pub fn address(&self) -> SocketAddr {
        self.state.address
    }

    /// Returns the host for references to images: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.state.address.to_string()
    }

    /// Returns the logged requests in the order of their responses, at most as many as
    /// [`Registry::access_log`] allows.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.log.entries()
    }

    /// Returns the number of requests, logged or not.
    pub fn request_count(&self) -> u64 {
        self.state.log.count()
    }

    /// Clears the log and sets the number of requests to zero.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Removes all content and all upload sessions.
    pub fn clear(&self) {
        self.state.store.clear();
        self.state.sessions.clear();
    }

    /// Stores a blob. Clones of one `Bytes` share their memory.
    pub fn put_blob(&self, repository: &str, bytes: Bytes) -> Digest {
        let digest = digest_of(&bytes);
        self.state.store.put_blob(repository, digest.clone(), bytes);
        digest
    }

    /// Replaces the bytes of a blob and keeps its digest, as a failing disk does.
    pub fn damage_blob(&self, repository: &str, digest: &Digest, bytes: Bytes) {
        self.state.store.put_blob(repository, digest.clone(), bytes);
    }

    /// Stores a manifest, and tags it if `tag` is given. The content is not checked, so that tests
    /// can store broken manifests.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> Digest {
        let digest = digest_of(&bytes);
        let fields = ManifestFields::parse(&bytes).unwrap_or_default();
        let manifest = StoredManifest {
            media_type: media_type.to_owned(),
            digest: digest.clone(),
            bytes,
        };
        self.state
            .store
            .put_manifest(repository, tag, manifest, &fields);
        digest
    }

    /// Returns a blob.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.state.store.blob(repository, digest)
    }

    /// Returns the manifest that a tag points to.
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<StoredManifest> {
        let reference = Reference::Tag(tag.to_owned());
        self.state.store.manifest(repository, &reference).ok()
    }

    /// Returns a manifest by its digest.
    pub fn manifest(&self, repository: &str, digest: &Digest) -> Option<StoredManifest> {
        let reference = Reference::Digest(digest.clone());
        self.state.store.manifest(repository, &reference).ok()
    }

    /// Returns the manifests of a repository, in the order of their digests.
    pub fn manifests(&self, repository: &str) -> Vec<StoredManifest> {
        self.state.store.manifests(repository)
    }

    /// Returns all tags of a repository in byte order; none if there is no such repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let page = self.state.store.tags(repository, "", usize::MAX);
        page.map(|page| page.items).unwrap_or_default()
    }

    /// Returns the names of all repositories in byte order.
    pub fn repositories(&self) -> Vec<String> {
        self.state.store.repositories("", usize::MAX).items
    }

    /// Removes a tag. Returns whether there was one.
    pub fn remove_tag(&self, repository: &str, tag: &str) -> bool {
        let reference = Reference::Tag(tag.to_owned());
        self.state
            .store
            .remove_manifest(repository, &reference)
            .is_ok()
    }

    /// Removes a manifest and its tags. Returns whether there was one.
    pub fn remove_manifest(&self, repository: &str, digest: &Digest) -> bool {
        let reference = Reference::Digest(digest.clone());
        self.state
            .store
            .remove_manifest(repository, &reference)
            .is_ok()
    }

    /// Removes a blob from one repository. Returns whether there was one.
    pub fn remove_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.state.store.remove_blob(repository, digest)
    }
}
