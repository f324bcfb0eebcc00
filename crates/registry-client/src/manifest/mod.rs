//! Manifests as exact bytes, and what they refer to.

mod document;
mod requests;

pub use document::{Content, Manifest, ManifestError, is_index_type};
pub use requests::{ManifestHead, Put};
