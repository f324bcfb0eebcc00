//! The call of the API of a deletion, and the right that it needs.

use super::deletion::{DeletionApi, DeletionError, DeletionLogin};
use super::vendor_host::VendorHost;
use super::{azure, docker_hub, ecr, github, gitlab, harbor, quay};

/// Sends the deletion of the host's operation once. The caller checks the digest before, and whether the
/// deletion has happened.
///
/// # Errors
///
/// [`DeletionError`].
pub(crate) async fn delete(
    api: DeletionApi,
    host: &VendorHost,
    login: &DeletionLogin<'_>,
) -> Result<(), DeletionError> {
    match api {
        DeletionApi::Azure => azure::delete_tag(host).await?,
        DeletionApi::DockerHub => docker_hub::delete_tag(host, login).await?,
        DeletionApi::Ecr => return ecr::delete(host, &login.account).await,
        DeletionApi::GitHub => return github::delete_version(host).await,
        DeletionApi::GitLab => return gitlab::delete_tag(host).await,
        DeletionApi::Harbor => harbor::delete_tag(host).await?,
        DeletionApi::Quay => quay::delete_tag(host).await?,
    }
    Ok(())
}

impl DeletionApi {
    /// Returns the right that an account needs in order to delete: a role, a scope or a permission.
    #[must_use]
    pub fn deletion_right(self) -> &'static str {
        match self {
            Self::Azure => azure::DELETION_RIGHT,
            Self::DockerHub => docker_hub::DELETION_RIGHT,
            Self::Ecr => ecr::DELETION_RIGHT,
            Self::GitHub => github::DELETION_RIGHT,
            Self::GitLab => gitlab::DELETION_RIGHT,
            Self::Harbor => harbor::DELETION_RIGHT,
            Self::Quay => quay::DELETION_RIGHT,
        }
    }
}
