//! Which versions of images were announced upstream.
//!
//! # The problem
//!
//! A mirror follows other people's releases. Where they are announced differs:
//! GitHub releases, a registry's tags, the images that a Helm chart runs. A
//! configuration says for each product where to look and what to pass over.
//!
//! # Invariants
//!
//! - `config`, `filters` and `new_tags` are pure: they read text, times and versions they are given.
//! - Every version source is one file and one type, behind [`VersionSource`].
//! - What is dropped is said with its reason, nothing is dropped in silence.
//!
//! # What is whose
//!
//! `octocrab` speaks to GitHub, the `registry` crate to registries, the `helm`
//! program to charts. `jsonc-parser` keeps the positions of the configuration,
//! `schemars` generates its schema from the types. The `extraction` crate finds
//! images in charts and image files.

mod candidate;
pub mod config;
mod error;
pub mod filters;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod github;
pub mod helm;
mod new_tags;
mod retrieved;
mod run;
mod source;
mod sources;
mod url_credentials;

pub use candidate::{Candidate, Origin};
pub use error::RetrievalError;
pub use extraction::Organization;
pub use new_tags::{FoundTag, NewTags, NotNewReason, NotNewTag, Summary};
pub use retrieved::{Dropped, Found, FoundImage, Retrieved};
pub use run::{EntryError, Limits, Outcome, retrieve};
pub use source::{Upstreams, VersionSource};
pub use sources::{GitError, TIMES_READ};
