//! The clients of registries and version sources, and availability checks.

pub(crate) mod availability;
pub(crate) mod client;
mod evidence;
pub(crate) mod image_files;
pub(crate) mod image_reader;
pub(crate) mod named_image;
pub(crate) mod signature_check;
mod signed_children;
pub(crate) mod upstreams;
