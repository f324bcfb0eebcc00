//! A registry that runs: its start, its content and its end.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use oci_spec::image::Digest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use super::access_log::{AccessLog, LoggedRequest};
use super::handler::handle;
use super::manifest_fields::ManifestFields;
use super::registry::Registry;
use super::route::Reference;
use super::state::ServerState;
use super::store::{Store, StoredManifest};
use super::upload_sessions::UploadSessions;
use crate::digests::digest_of;

/// Maximum concurrent connections. Further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// The longest wait for the head of a request. Clients drop idle connections earlier, so the server
/// does not close a connection that a client is about to use.
const HEAD_TIMEOUT: Duration = Duration::from_secs(300);

/// The pause after a failed `accept`, whose usual cause is a lack of file descriptors.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(20);

impl Registry {
    /// Starts the registry on a free port of 127.0.0.1, in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If no port of the loopback interface is free.
    pub async fn start(self) -> io::Result<RunningRegistry> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(ServerState {
            log: AccessLog::new(self.access_log),
            options: self,
            store: Store::default(),
            sessions: UploadSessions::default(),
            address,
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(RunningRegistry { state, server })
    }
}

/// A registry that serves until this handle is dropped. The methods read and write its content
/// without HTTP and without checks.
pub struct RunningRegistry {
    state: Arc<ServerState>,
    server: JoinHandle<()>,
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

impl Drop for RunningRegistry {
    /// Closes the listener and all connections, which are tasks of the aborted task.
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<ServerState>) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let state = Arc::clone(&state);
                connections.spawn(async move {
                    serve_connection(stream, state).await;
                    drop(permit);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_PAUSE).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, state: Arc<ServerState>) {
    // Otherwise a small response may wait for the acknowledgment of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| handle(&state, request));
    // The client notices that a connection breaks; the server has nothing to do.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
