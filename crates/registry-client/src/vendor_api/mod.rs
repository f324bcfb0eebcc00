//! The APIs of vendors beside the distribution specification.
//!
//! Existence of a repository and push times of its tags, at Docker Hub and quay.io: these requests are
//! anonymous, and where an API does not respond, callers query the registry itself, with credentials.
//!
//! Creation of repositories ([`CreationApi`]), their descriptions, and deletions ([`DeletionApi`]): these requests
//! have credentials.
//! Each belongs to one operation for one repository, which the write policy allows.

mod aws_keys;
mod azure;
mod creation;
mod creation_host;
mod deletion;
mod deletion_call;
mod docker_hub;
mod ecr;
mod endpoint;
mod existence;
mod github;
mod gitlab;
mod harbor;
mod push_times;
mod quay;
mod repository;
mod tag_page;
mod vendor_cache;
mod vendor_credentials;
mod vendor_host;

pub use creation::{Creation, CreationApi, CreationError};
pub(crate) use deletion::DeletionLogin;
pub use deletion::{DeletionApi, DeletionError, VendorDeletion};
pub(crate) use deletion_call::delete as delete_at_vendor;
pub use docker_hub::MAX_DESCRIPTION;
pub(crate) use docker_hub::describe as describe_at_docker_hub;
pub(crate) use ecr::{EcrRegistry, create as create_at_ecr};
pub(crate) use endpoint::{VendorApi, endpoint};
pub use existence::Existence;
pub(crate) use gitlab::create as create_at_gitlab;
pub(crate) use harbor::create as create_at_harbor;
pub use push_times::MAX_SINGLE_TAG_REQUESTS;
pub(crate) use quay::create as create_at_quay;
pub use repository::VendorRepository;
pub(crate) use vendor_cache::VendorCache;
pub use vendor_credentials::{AwsCredentials, HostToken, VendorCredentials};
pub(crate) use vendor_host::VendorHost;
