//! The reading of bundles, which are hostile input.
//!
//! # What is accepted
//!
//! An archive is a tar of regular files with plain headers, in this order: `mirror.json`, its signature if
//! there is one, then exactly the members that `mirror.json` lists, in its order and with its sizes, then zeros.
//! A directory has the same files; no symbolic link is followed. Whatever else there is has a [`ReadError`] of
//! its own.
//!
//! The signature is verified before `mirror.json` is parsed, and each digest before the last bytes of its
//! content are used. Sizes in headers never decide how much memory is taken.
//!
//! # Two ways
//!
//! - [`Members`] reads a bundle once from start to end: [`verify`], [`list`] and the import of a stream.
//! - [`Store`] opens content at any position, which an archive without compression and a directory allow.
//!
//! [`BundleRegistry`] serves either as a registry inside this process, so the engine that copies between
//! registries imports bundles too.

mod archive;
mod byte_source;
mod claims;
mod content;
mod directory;
mod error;
mod flow;
mod head;
mod listing;
mod manifests;
mod opened;
mod referrer;
mod registry;
mod store;
mod stream;
mod tar_header;
mod tar_reader;
mod verification;
mod volumes;

pub use archive::{ArchiveReader, read_head};
pub use content::BundleContent;
pub use directory::Directory;
pub use error::{ClaimError, ReadError, ReferenceError, VolumeError};
pub use head::{Head, SignatureState};
pub use listing::{ListedImage, Listing, list};
pub use manifests::{Child, Keep, Leading, Node, read_leading};
pub use opened::{Members, Opened};
pub use registry::BundleRegistry;
pub use store::{Store, StoredContent};
pub use stream::{Lease, StreamBlob, StreamContent};
pub use verification::{Verified, check_references, read_manifests, verify};
pub use volumes::Volumes;
