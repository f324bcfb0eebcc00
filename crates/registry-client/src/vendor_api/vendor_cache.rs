//! The credentials for vendors' APIs, and the responses that a client keeps.

use once_map::OnceMap;

use super::aws_keys::ContainerKeys;
use super::creation::Creation;
use super::vendor_credentials::VendorCredentials;
use crate::credentials::Secret;

/// The credentials for vendors' APIs, and the responses that a client keeps.
#[derive(Debug)]
pub(crate) struct VendorCache {
    pub(crate) credentials: VendorCredentials,
    pub(crate) container_keys: ContainerKeys,
    /// GitLab's namespaces by API host and path, `None` for one that does not exist.
    pub(super) namespaces: OnceMap<(String, String), Option<u64>>,
    /// GitLab's projects by API host and path.
    pub(super) projects: OnceMap<(String, String), Creation>,
    /// The tokens of Docker Hub's API by host and user.
    pub(super) hub_tokens: OnceMap<(String, String), Secret>,
}

impl VendorCache {
    pub(crate) fn new(credentials: VendorCredentials) -> Self {
        Self {
            credentials,
            container_keys: ContainerKeys::default(),
            namespaces: OnceMap::default(),
            projects: OnceMap::default(),
            hub_tokens: OnceMap::default(),
        }
    }
}
