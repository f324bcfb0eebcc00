//! The version sources, one to a file.

mod any;
mod git_tags;
mod github_latest_release;
mod github_releases;
mod github_tagged_images_file;
mod gitlab_releases;
mod helm_directory;
mod helm_latest;
mod helm_oci;
mod image_time;
mod registry_tags;

pub use git_tags::GitError;
pub use registry_tags::TIMES_READ;
