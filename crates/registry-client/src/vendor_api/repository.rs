//! A repository as such an API knows it.

use super::api::VendorApi;
use crate::host_api::HostApi;

/// A repository of a registry that has an API of its own.
#[derive(Debug, Clone)]
pub struct VendorRepository {
    pub(super) api: VendorApi,
    pub(super) site: HostApi,
    /// What is asked for to learn of the repository.
    pub(super) target: String,
}

impl VendorRepository {
    pub(crate) fn new(api: VendorApi, site: HostApi, target: String) -> Self {
        Self { api, site, target }
    }
}
