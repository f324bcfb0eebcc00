//! A repository at a vendor's API.

use super::endpoint::VendorApi;
use crate::host_api::HostApi;

/// A repository of a registry with an API of its own.
#[derive(Debug, Clone)]
pub struct VendorRepository {
    pub(super) api: VendorApi,
    pub(super) host_api: HostApi,
    /// The path of the repository at the API.
    pub(super) target: String,
}

impl VendorRepository {
    pub(crate) fn new(api: VendorApi, host_api: HostApi, target: String) -> Self {
        Self {
            api,
            host_api,
            target,
        }
    }
}
