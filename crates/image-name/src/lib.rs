//! The names of images, by the grammars of the OCI specifications.
//!
//! # The problem
//!
//! Tags, digests and repository names arrive from lists, registries and charts, and become
//! parts of a URL's path. `../` in one of them is a request to another repository, sent with
//! our credentials. Only a value of these types may become a path segment.
//!
//! ```
//! use image_name::{ManifestReference, RepositoryPath, Tag};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let repository: RepositoryPath = "library/busybox".parse()?;
//! let reference: ManifestReference = "1.36".parse()?;
//! assert_eq!(
//!     format!("/v2/{repository}/manifests/{reference}"),
//!     "/v2/library/busybox/manifests/1.36"
//! );
//! assert!("../admin:v1?x".parse::<Tag>().is_err());
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - A value holds exactly the text it was parsed from. Nothing is trimmed, decoded or
//!   completed.
//! - The text of a value consists of ASCII letters, digits and `.`, `_`, `-`, and of `/` in
//!   repository paths and `:` in digests. No path component is empty, `.` or `..`. It needs no
//!   percent-encoding in a URL.
//! - Parsing never panics, and its time is linear in the text's length.

mod digest;
mod manifest_reference;
mod repository_path;
mod tag;

pub use digest::{Algorithm, Digest, DigestError};
pub use manifest_reference::{ManifestReference, ManifestReferenceError};
pub use repository_path::{RepositoryPath, RepositoryPathError};
pub use tag::{Tag, TagError};
