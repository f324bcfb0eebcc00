//! A repository as such an API knows it.

use super::api::HostedApi;
use crate::site::Site;

/// A repository of a registry that has an API of its own.
#[derive(Debug, Clone)]
pub struct HostedRepository {
    pub(super) api: HostedApi,
    pub(super) site: Site,
    /// What is asked for to learn of the repository.
    pub(super) target: String,
}

impl HostedRepository {
    pub(crate) fn new(api: HostedApi, site: Site, target: String) -> Self {
        Self { api, site, target }
    }
}
