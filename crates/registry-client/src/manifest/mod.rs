//! Manifests: their bytes, content and requests.

mod descriptor;
mod document;
mod image_config;
mod requests;

pub use descriptor::{Descriptor, DescriptorPlatform};
pub use document::{Content, Manifest, ManifestError, is_index_type};
pub use image_config::ImageConfig;
pub use requests::{ManifestHead, Put};
