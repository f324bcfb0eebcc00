//! The APIs that Docker Hub and quay.io have of their own, beside the
//! distribution specification's: whether a repository exists, and when its tags
//! were pushed.
//!
//! They are asked as a stranger: what they do not say, the registry is asked
//! for, with credentials.

mod api;
mod existence;
mod push_times;
mod repository;
mod tag_page;

pub(crate) use api::endpoint;
pub use existence::Existence;
pub use push_times::TAGS_ASKED_SINGLY;
pub use repository::VendorRepository;
