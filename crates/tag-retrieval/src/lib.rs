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
//! - `config`, `filters`, `extraction` and `news` are pure: texts, times and versions
//!   go in, nothing else is read.
//! - Every version source is one file and one type, behind [`VersionSource`].
//! - What is dropped is said with its reason, nothing is dropped in silence.
//!
//! # What is whose
//!
//! `octocrab` speaks to GitHub, the `registry` crate to registries, the `helm`
//! program to charts. `jsonc-parser` keeps the positions of the configuration,
//! `schemars` makes its schema from the types, `saphyr-parser` reads YAML as
//! raw scalars: a tag `1.10` is not the number 1.1.

mod candidate;
pub mod config;
mod error;
pub mod extraction;
pub mod filters;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod github;
pub mod helm;
mod news;
mod retrieved;
mod run;
mod source;
mod sources;
mod url_credentials;

pub use candidate::{Candidate, Origin};
pub use error::RetrievalError;
pub use news::{News, Pair, Passed, PassedReason, Summary};
pub use retrieved::{Dropped, Found, FoundImage, Retrieved};
pub use run::{EntryError, Limits, Outcome, retrieve};
pub use source::{Upstreams, VersionSource};
pub use sources::{GitError, TIMES_READ};
