//! Operations at the APIs of vendors: what they write, the requests that they consist of, and their
//! authorization.
//!
//! No request is sent here; the transport checks each request against its operation.

mod authorization;
mod operation;
mod sigv4;

pub(crate) use authorization::VendorAuthorization;
pub(crate) use operation::{
    AMZ_TARGET, ECR_TARGET, OperationApi, VendorOperation, VendorRequest, gitlab_id,
    gitlab_prefixes,
};
pub(crate) use sigv4::AwsKeys;
