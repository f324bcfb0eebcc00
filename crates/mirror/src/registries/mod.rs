//! The clients of registries and version sources, and availability checks.

pub(crate) mod availability;
pub(crate) mod client;
pub(crate) mod image_reader;
pub(crate) mod upstreams;
