//! The registry client, and availability checks at registries.

pub(crate) mod availability;
pub(crate) mod client;
pub(crate) mod image_reader;
