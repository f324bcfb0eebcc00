//! Manifests: their bytes, content and requests.

mod deletion;
mod descriptor;
mod document;
mod image_config;
mod media_types;
mod requests;

pub use deletion::Deletion;
pub(crate) use descriptor::MAX_DESCRIPTORS;
pub use descriptor::{Descriptor, DescriptorPlatform};
pub use document::{Content, Manifest, ManifestError};
pub use image_config::ImageConfig;
pub use media_types::is_index_type;
pub use requests::{ManifestHead, Put};
