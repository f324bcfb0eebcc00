//! Putting content into any registry over plain HTTP, exactly as it is: manifests byte for byte,
//! and blobs bigger than memory.
//!
//! ```no_run
//! # async fn test(registry: testkit::processes::RegistryProcess) {
//! use embedded_registry::images::{Platform, sample_image};
//! use testkit::push::Pusher;
//!
//! let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3).unwrap();
//! let pusher = Pusher::new(&registry.host());
//! let digest = pusher.bundle(&image, "demo", Some("v1")).await;
//! let big = pusher.big_image("big", "v1", 7, &[4 << 30]).await;
//! # }
//! ```

mod generated;
mod pusher;

pub use pusher::Pusher;
