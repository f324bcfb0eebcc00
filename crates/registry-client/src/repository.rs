//! A repository at its host: the handle that all requests start from.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use image_name::RepositoryPath;

use crate::auth::{Access, Scopes};
use crate::capabilities::Support;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::transport::{Host, Request};
use crate::write_policy::WritePolicy;

/// A repository of a registry, with what may be done to it.
///
/// Cheap to clone. Two handles are equal if they mean the same repository of
/// the same host, whatever the access.
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

/// Answers to be read whole, other than manifests, are small.
pub(crate) const SMALL_ANSWER: u64 = 4 * 1024 * 1024;

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

    /// The registry's host as in names, `docker.io` or `127.0.0.1:5000`.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.host.name()
    }

    /// The repository's name without its host.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.as_str()
    }

    /// The repository's path at its host.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        &self.path
    }

    /// Whether the host honours cross-repository mounts, as far as it was seen.
    #[must_use]
    pub fn mount_support(&self) -> Support {
        self.host.capabilities.mounts()
    }

    /// Whether the host has the referrers API, as far as it was seen.
    #[must_use]
    pub fn referrers_support(&self) -> Support {
        self.host.capabilities.referrers()
    }

    /// Whether the host has listed the tags of any of its repositories, as far as it was seen.
    #[must_use]
    pub fn host_lists_tags(&self) -> bool {
        self.host.capabilities.lists_tags()
    }

    /// A request to an endpoint of this repository.
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
            is_session: false,
            writes: Arc::clone(&self.writes),
            accepted,
            limit: SMALL_ANSWER,
        })
    }
}
