//! The locations of names by containers-registries.conf(5), version 2.
//!
//! Podman, skopeo and buildah share this file. It names registries without TLS,
//! blocked registries, names with another location, and mirrors.
//! [`RegistriesConf::parse`] reads its text once, [`RegistriesConf::resolve`]
//! returns the locations of one repository.
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
//! - One `[[registry]]` applies: the one with the longest prefix, and the first
//!   of several with the same length. Mirrors of other tables are ignored.
//! - A prefix matches whole components only: `example.com/foo` covers
//!   `example.com/foo/bar`, not `example.com/foobar`; `example.com` does not
//!   cover `example.com:5000`.
//! - It reads neither disk nor environment: the caller passes the text.

mod error;
mod namespace;
mod parse;
mod resolve;
mod span_locator;
mod unused_key;

pub use error::RegistriesConfError;
pub use namespace::NamespaceError;
pub use resolve::{Location, Mirror, PullFromMirror, RegistriesConf, Resolution, ResolveError};
pub use unused_key::UnusedKey;
