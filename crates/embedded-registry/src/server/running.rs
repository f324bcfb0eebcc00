//! Starting, holding and stopping a registry.

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
use super::options::Registry;
use super::route::Reference;
use super::serve::serve;
use super::sessions::Sessions;
use super::shape::Shape;
use super::site::Site;
use super::store::{Store, StoredManifest};
use crate::digests::digest_of;

/// Connections at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4096;

/// How long a connection may take over the head of a request, the wait for it included. Longer
/// than clients keep idle connections, so that it is they who close them.
const HEAD_DEADLINE: Duration = Duration::from_secs(300);

/// The pause after a refused `accept`, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

impl Registry {
    /// Starts the registry on a free port of 127.0.0.1, in the tokio runtime that awaits this.
    ///
    /// # Errors
    ///
    /// When no port of the loopback interface can be had.
    pub async fn start(self) -> io::Result<RunningRegistry> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let site = Arc::new(Site {
            log: AccessLog::new(self.access_log),
            options: self,
            store: Store::default(),
            sessions: Sessions::default(),
            address,
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&site)));
        Ok(RunningRegistry { site, server })
    }
}

/// A registry that serves until this is dropped. Its content can also be read and written
/// directly, without HTTP and without checks.
pub struct RunningRegistry {
    site: Arc<Site>,
    server: JoinHandle<()>,
}

impl RunningRegistry {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.site.address
    }

    /// The registry part of references to it: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.site.address.to_string()
    }

    /// The requests in the order in which they were answered, as many as
    /// [`Registry::access_log`] allows.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.site.log.kept()
    }

    /// How many requests were answered, logged or not.
    pub fn request_count(&self) -> u64 {
        self.site.log.count()
    }

    /// Forgets the requests so far, their number included.
    pub fn clear_requests(&self) {
        self.site.log.clear();
    }

    /// Removes everything, as if the registry were new.
    pub fn clear(&self) {
        self.site.store.clear();
        self.site.sessions.clear();
    }

    /// Puts a blob into a repository. Equal `Bytes` in several repositories share their memory.
    pub fn put_blob(&self, repository: &str, bytes: Bytes) -> Digest {
        let digest = digest_of(&bytes);
        self.site.store.put_blob(repository, digest.clone(), bytes);
        digest
    }

    /// Puts other bytes under a blob's digest, as a failing disk would.
    pub fn damage_blob(&self, repository: &str, digest: &Digest, bytes: Bytes) {
        self.site.store.put_blob(repository, digest.clone(), bytes);
    }

    /// Puts a manifest into a repository as it is, under a tag too if one is given. Nothing is
    /// checked, so that broken content can be had as well.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> Digest {
        let digest = digest_of(&bytes);
        let shape = Shape::parse(&bytes).unwrap_or_default();
        let manifest = StoredManifest {
            media_type: media_type.to_owned(),
            digest: digest.clone(),
            bytes,
        };
        self.site
            .store
            .put_manifest(repository, tag, manifest, &shape);
        digest
    }

    /// The blob of that digest in that repository.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        self.site.store.blob(repository, digest)
    }

    /// The manifest under a tag.
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<StoredManifest> {
        let reference = Reference::Tag(tag.to_owned());
        self.site.store.manifest(repository, &reference).ok()
    }

    /// The manifest of that digest.
    pub fn manifest(&self, repository: &str, digest: &Digest) -> Option<StoredManifest> {
        let reference = Reference::Digest(digest.clone());
        self.site.store.manifest(repository, &reference).ok()
    }

    /// All tags of a repository in byte order, none where there is no such repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let page = self.site.store.tags(repository, "", usize::MAX);
        page.map(|page| page.items).unwrap_or_default()
    }

    /// The names of all repositories in byte order.
    pub fn repositories(&self) -> Vec<String> {
        self.site.store.repositories("", usize::MAX).items
    }

    /// Removes a tag; false when there was none.
    pub fn remove_tag(&self, repository: &str, tag: &str) -> bool {
        let reference = Reference::Tag(tag.to_owned());
        self.site
            .store
            .remove_manifest(repository, &reference)
            .is_ok()
    }

    /// Removes a manifest and its tags; false when there was none.
    pub fn remove_manifest(&self, repository: &str, digest: &Digest) -> bool {
        let reference = Reference::Digest(digest.clone());
        self.site
            .store
            .remove_manifest(repository, &reference)
            .is_ok()
    }

    /// Removes a blob from one repository; false when there was none.
    pub fn remove_blob(&self, repository: &str, digest: &Digest) -> bool {
        self.site.store.remove_blob(repository, digest)
    }
}

impl Drop for RunningRegistry {
    /// Stops accepting and ends the connections: they are tasks in the aborted task's set.
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let site = Arc::clone(&site);
                connections.spawn(async move {
                    connection(stream, site).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(stream: TcpStream, site: Arc<Site>) {
    // Without it, small answers may wait for the acknowledgement of the one before.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(|request| serve(&site, request));
    // A connection that breaks is the client's affair: it sees it, and there is nobody else to tell.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
