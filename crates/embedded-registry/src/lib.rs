//! A small registry in memory on loopback, and sample images to fill it with.
//!
//! # The problem
//!
//! To show or to test what happens between two registries, one needs registries: without a
//! network, without credentials, without a daemon, gone when the program ends, and with content
//! that looks like what people publish. [`Registry`] serves the endpoints of the [OCI distribution
//! specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md) over
//! plain HTTP on a free port of 127.0.0.1; [`images`] builds what to put there.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use embedded_registry::Registry;
//!
//! use embedded_registry::images::{Platform, sample_image};
//!
//! let registry = Registry::new().access_log(100).start().await?;
//! let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3)?;
//! let digest = image.push(&registry, "library/demo", Some("1.0"));
//! println!("crane manifest {}/library/demo:1.0 | jq", registry.host());
//! assert_eq!(registry.tagged("library/demo", "1.0").map(|found| found.digest), Some(digest));
//! assert!(registry.requests().is_empty(), "nobody asked over HTTP yet");
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - What comes in over HTTP is checked: digests of blobs and manifests, and that everything a
//!   manifest refers to is in its repository. A blob in one repository is unknown in another.
//! - Manifests keep their bytes and their `Content-Type`.
//! - Every wait for a client has a deadline; connections, open uploads, sizes and the access log
//!   have bounds.
//! - It listens on loopback only and has no credentials: it is no registry to serve others with.

mod digests;
pub mod images;
mod server;

pub use digests::digest_of;
pub use server::{
    Catalog, Children, Links, LoggedRequest, Mounts, Referrers, Registry, RunningRegistry,
    StoredManifest,
};
