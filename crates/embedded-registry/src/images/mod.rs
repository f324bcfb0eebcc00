//! Images and artifacts, built from seeds, with real tar layers, configs, manifests and indexes.
//!
//! Each builder returns a [`Bundle`]: a manifest and everything that it refers to. A bundle can be
//! pushed to a [`RunningRegistry`](crate::RunningRegistry).
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use embedded_registry::images::{Format, Image, Index, Layer, Platform};
//!
//! let base = Layer::random(1, 1000)?;
//! let amd64 = Image::new(Format::Oci, Platform::linux("amd64")).layer(base.clone()).build();
//! let arm = Image::new(Format::Oci, Platform::linux("arm").variant("v7")).layer(base).build();
//! let index = Index::new(Format::Oci).attestation(&amd64).child(amd64).child(arm).build();
//! assert_eq!(index.manifests().len(), 4, "two images, an attestation and the index");
//! # Ok(())
//! # }
//! ```

mod artifact;
mod bundle;
mod content;
mod format;
mod image;
mod index;
mod layer;
mod platform;
mod sample;

pub use artifact::{Artifact, digest_tag};
pub use bundle::Bundle;
pub use content::Content;
pub use format::Format;
pub use image::Image;
pub use index::Index;
pub use layer::Layer;
pub use platform::Platform;
pub use sample::sample_image;
