//! Where a name really lives: containers-registries.conf(5), version 2.
//!
//! The file that podman, skopeo and buildah share says which registries are
//! reached without TLS, which are blocked, which names live elsewhere and which
//! mirrors stand in for them. [`RegistriesConf::parse`] reads its text once,
//! [`RegistriesConf::resolve`] answers for one repository.
//!
//! ```
//! use registry_client::registries_conf::RegistriesConf;
//!
//! let conf = RegistriesConf::parse(
//!     r#"
//!     [[registry]]
//!     prefix = "example.com/team"
//!     location = "internal.example.net/moved"
//!     "#,
//! )?;
//! let found = conf.resolve("example.com", "team/tool")?;
//! assert_eq!(found.location.host, "internal.example.net");
//! assert_eq!(found.location.repository, "moved/tool");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants:
//!
//! - Exactly one `[[registry]]` decides: the one with the longest prefix, and of
//!   equally long ones the first. Mirrors of the others are not looked at.
//! - A prefix matches whole components only: `example.com/foo` covers
//!   `example.com/foo/bar`, not `example.com/foobar`; `example.com` does not
//!   cover `example.com:5000`.
//! - Nothing is read from disk or from the environment: the text comes in.

mod error;
mod namespace;
mod parse;
mod places;
mod resolve;
mod unused_keys;

pub use error::RegistriesConfError;
pub use namespace::NamespaceError;
pub use resolve::{Location, Mirror, PullFromMirror, RegistriesConf, Resolution, ResolveError};
pub use unused_keys::ConfWarning;
