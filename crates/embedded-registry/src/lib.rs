//! A small registry in memory on loopback, and sample images for it.
//!
//! # The problem
//!
//! A demo or a test of copies between registries needs registries that require no network, no
//! credentials and no daemon, end with the program, and hold realistic content. [`Registry`]
//! serves the endpoints of the [OCI distribution
//! specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md) over
//! plain HTTP on a free port of 127.0.0.1. [`images`] builds its content.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use embedded_registry::Registry;
//! use embedded_registry::images::{Platform, sample_image};
//!
//! let registry = Registry::new().access_log(100).start().await?;
//! let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3)?;
//! let digest = image.push(&registry, "library/demo", Some("1.0"));
//! println!("crane manifest {}/library/demo:1.0 | jq", registry.host());
//! assert_eq!(registry.tagged("library/demo", "1.0").map(|found| found.digest), Some(digest));
//! assert!(registry.requests().is_empty(), "the push used no HTTP");
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - The registry checks every push over HTTP: the digests of blobs and manifests, and that the
//!   repository has everything a manifest refers to. A blob of one repository is unknown in another.
//! - Manifests keep their bytes and their `Content-Type`.
//! - Every wait for a client has a deadline. Connections, open uploads, sizes and the access log are
//!   limited.
//! - The registry listens on loopback only and asks for no credentials. It is not for production.

mod digests;
mod http_server;
pub mod images;
mod server;

pub use digests::digest_of;
pub use http_server::{HttpListener, HttpServer};
pub use server::{
    Blobs, Catalog, Children, Links, LoggedRequest, Mounts, Referrers, Registry, RunningRegistry,
    StoredManifest,
};
