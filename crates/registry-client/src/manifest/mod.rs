//! Manifests: their bytes, content and requests.

mod document;
mod requests;

pub use document::{Content, Manifest, ManifestError, is_index_type};
pub use requests::{ManifestHead, Put};
