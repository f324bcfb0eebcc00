//! A repository at its host, from which all requests start.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use image_name::RepositoryPath;

use crate::auth::{Access, Scopes};
use crate::capabilities::Support;
use crate::document_memory::{BodyMemory, MemoryReservation};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::transport::{Host, PullReservation, Request};
use crate::write_policy::WritePolicy;

/// A repository of a registry, with the access that its requests need.
///
/// Cheap to clone. Two values are equal if host and path are equal; the access is ignored.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) host: Arc<Host>,
    pub(crate) path: RepositoryPath,
    pub(crate) scopes: Scopes,
    writes: Arc<dyn WritePolicy>,
}

impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.host_name() == other.host_name() && self.path == other.path
    }
}

impl Eq for Repository {}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.host_name(), self.path)
    }
}

/// The largest body in bytes of responses other than manifests and blobs.
pub(crate) const MAX_SMALL_BODY: u64 = 4 * 1024 * 1024;

impl Repository {
    pub(crate) fn new(
        host: Arc<Host>,
        path: RepositoryPath,
        access: Access,
        writes: Arc<dyn WritePolicy>,
    ) -> Self {
        Self {
            host,
            scopes: Scopes::new(&path, access),
            path,
            writes,
        }
    }

    /// Returns the registry's host as in image names, `docker.io` or `127.0.0.1:5000`.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.host.name()
    }

    /// Returns the repository's name without its host.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.as_str()
    }

    /// Returns the repository's path at its host.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        &self.path
    }

    /// Returns true if the repository was read, and never with credentials: everyone may read it.
    #[must_use]
    pub fn was_read_anonymously(&self) -> bool {
        self.host.reads_anonymously(&self.path)
    }

    /// Waits until the pull quota of the host suffices for the first manifest of an image. With
    /// [`PullReservation::extend`], images that have begun are finished before others begin. Returns at
    /// once for a host without a quota.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaExhausted`], [`Error::MaxPulls`].
    pub async fn reserve_pulls(&self) -> Result<PullReservation, Error> {
        self.host.quota.reserve(self.host.name()).await
    }

    /// Runs work that keeps manifests and lists while it requests others, within the memory for
    /// [documents](crate::ClientBuilder::document_memory). If the memory that is left does not suffice, the
    /// work fails, and is run once more when the host has memory for it alone.
    ///
    /// # Errors
    ///
    /// The error of the work, which is [`Error::DocumentMemory`] or made of it if the work needs more.
    pub async fn with_document_memory<T, E>(
        &self,
        work: impl AsyncFnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        let memory = &self.host.shared.documents;
        memory.run_unit(self.host_name(), work).await
    }

    /// Waits for memory for content that was made of documents and is kept. The caller must hold no
    /// other, and must not be within [`Repository::with_document_memory`].
    pub async fn keep_in_memory(&self, bytes: u64) -> MemoryReservation {
        self.host.shared.documents.keep(bytes).await
    }

    /// Returns whether the host supports cross-repository mounts, as observed so far. It does not
    /// where mounts into this repository have failed.
    #[must_use]
    pub fn mount_support(&self) -> Support {
        let capabilities = &self.host.capabilities;
        if capabilities.failed_mounts.allow(&self.path) {
            capabilities.mounts()
        } else {
            Support::No
        }
    }

    /// Returns whether the host has the referrers API, as observed so far.
    #[must_use]
    pub fn referrers_support(&self) -> Support {
        self.host.capabilities.referrers()
    }

    /// Returns whether the host has listed the tags of any of its repositories.
    #[must_use]
    pub fn host_lists_tags(&self) -> bool {
        self.host.capabilities.lists_tags()
    }

    /// Creates a request to an endpoint of this repository.
    pub(crate) fn request(
        &self,
        method: Method,
        endpoint: &Endpoint,
        accepted: &'static [u16],
    ) -> Result<Request, Error> {
        Ok(Request {
            method,
            url: endpoint.url(self.host.api_root()?, &self.path),
            headers: HeaderMap::new(),
            payload: Bytes::new(),
            is_blob: false,
            scopes: Some(self.scopes.clone()),
            vendor: None,
            is_session: false,
            writes: Arc::clone(&self.writes),
            accepted,
            limit: MAX_SMALL_BODY,
            body: BodyMemory::Document,
        })
    }
}
