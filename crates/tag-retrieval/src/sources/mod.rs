//! The version sources, one to a file.

mod gitlab_releases;
mod image_time;
mod registry_tags;

pub use registry_tags::TIMES_READ;
