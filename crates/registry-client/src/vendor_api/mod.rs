//! The APIs of Docker Hub and quay.io beside the distribution specification:
//! existence of a repository and push times of its tags.
//!
//! Requests are anonymous. Where an API does not respond, callers query the
//! registry itself, with credentials.

mod endpoint;
mod existence;
mod push_times;
mod repository;
mod tag_page;

pub(crate) use endpoint::endpoint;
pub use existence::Existence;
pub use push_times::MAX_SINGLE_TAG_REQUESTS;
pub use repository::VendorRepository;
