//! Operations at the APIs of vendors: what they write, the requests that they consist of, and their
//! authorization.
//!
//! No request is sent here; the transport checks each request against its operation.

mod authorization;
mod deletion_request;
mod operation;
mod request_names;
mod sigv4;

pub(crate) use authorization::VendorAuthorization;
pub(crate) use deletion_request::{DeletionRequest, DeletionVendor};
pub(crate) use operation::{OperationApi, VendorOperation, VendorRequest};
pub(crate) use request_names::{
    AMZ_TARGET, ECR_DELETE_TARGET, ECR_TARGET, gitlab_id, gitlab_prefixes,
};
pub(crate) use sigv4::AwsKeys;
