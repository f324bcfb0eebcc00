//! The names of images, by the grammars of the OCI specifications.
//!
//! # The problem
//!
//! Tags, digests and repository names arrive from lists, registries and charts, and become
//! parts of a URL's path. `../` in one of them is a request to another repository, sent with
//! our credentials. Only a value of these types may become a path segment. This crate is also the
//! only place that knows Docker Hub's hosts and which hosts are one registry.
//!
//! ```
//! use image_name::{ManifestReference, RepositoryName, RepositoryPath, Tag};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let repository: RepositoryPath = "library/busybox".parse()?;
//! let reference: ManifestReference = "1.36".parse()?;
//! assert_eq!(
//!     format!("/v2/{repository}/manifests/{reference}"),
//!     "/v2/library/busybox/manifests/1.36"
//! );
//! assert!("../admin:v1?x".parse::<Tag>().is_err());
//!
//! let written: RepositoryName = "busybox".parse()?;
//! assert_eq!(written.full(), "docker.io/library/busybox");
//! assert_eq!(written, "index.docker.io/busybox".parse()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - A tag, digest or path holds exactly the text it was parsed from. Nothing is trimmed, decoded
//!   or completed. A [`RepositoryName`] keeps that text beside the full name.
//! - The text of a tag, digest or path consists of ASCII letters, digits and `.`, `_`, `-`, and of `/` in
//!   repository paths and `:` in digests. No path component is empty, `.` or `..`. It needs no
//!   percent-encoding in a URL.
//! - Parsing never panics, and its time is linear in the text's length.

mod arch_tag;
mod attached_digest;
mod digest;
mod digest_tag;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host;
mod image;
mod manifest_reference;
mod repository_name;
mod repository_path;
mod tag;

pub use arch_tag::ARCHITECTURES;
pub use attached_digest::AttachedDigest;
pub use digest::{Algorithm, Digest, DigestError};
pub use digest_tag::DigestTagKind;
pub use host::{
    DOCKER_HUB, DOCKER_HUB_API, Host, HostError, is_docker_hub, is_host, without_docker_hub,
};
pub use image::{ImageName, ImageNameError, full_repository, tag_or_digest};
pub use manifest_reference::{ManifestReference, ManifestReferenceError};
pub use repository_name::{RepositoryName, RepositoryNameError};
pub use repository_path::{RepositoryPath, RepositoryPathError};
pub use tag::{Tag, TagError};
