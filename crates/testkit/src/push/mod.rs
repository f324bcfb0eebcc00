//! Pushes to any registry over plain HTTP: manifests byte for byte, and blobs larger than memory.
//!
//! ```no_run
//! # async fn test(registry: testkit::processes::RegistryProcess) {
//! use embedded_registry::images::{Platform, sample_image};
//! use testkit::push::Pusher;
//!
//! let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3).unwrap();
//! let pusher = Pusher::new(&registry.host());
//! let digest = pusher.bundle(&image, "demo", Some("v1")).await;
//! let large = pusher.large_image("big", "v1", 7, &[4 << 30]).await;
//! # }
//! ```

mod pusher;
mod random_body;

pub use pusher::Pusher;
