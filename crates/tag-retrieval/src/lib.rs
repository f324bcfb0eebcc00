//! Version sources: the versions of images that upstream projects announce.
//!
//! # The problem
//!
//! A mirror follows the releases of other projects. They announce them in different places: GitHub
//! releases, tags in a registry, the images in a Helm chart. A configuration names a source for each
//! product and the filters for its versions. This crate reads it, queries the sources and compares the
//! result with a list.
//!
//! ```
//! use tag_retrieval::config::Config;
//!
//! let text = r#"{
//!   "coredns": {
//!     "images": ["coredns/coredns"],
//!     "versionSource": "github-releases:coredns/coredns",
//!     "versionExtract": "^v(.*)$",
//!     "latest": true
//!   }
//! }"#;
//! let config = Config::parse(text).unwrap();
//! assert_eq!(config.entries[0].source.images()[0].source, "coredns/coredns");
//! ```
//!
//! # Invariants
//!
//! - `config`, `entry`, `filters`, `followed` and `new_tags` are pure: they read text, times and versions, and
//!   access no file, network or clock.
//! - Every version source is one file with one type, behind [`VersionSource`].
//! - Every version that is dropped is reported with a reason.
//!
//! # Layers
//!
//! From the top: `run` queries all entries; `config` parses the file; `sources` holds the version
//! sources, `image_sources` the readers of files, charts and bundles; `source` is their trait; `entry` reads the fields of an entry; `git`, `github` and `helm`
//! are the clients for upstream services; `filters`, `retrieved` and `candidate` are the vocabulary.

mod archives;
mod candidate;
mod chart_extraction;
pub mod config;
mod entry;
mod error;
pub mod filters;
mod followed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod git;
pub mod github;
pub mod gitlab;
pub mod helm;
pub mod image_sources;
mod new_tags;
mod retrieved;
mod run;
mod source;
mod sources;
mod url_credentials;

pub use candidate::{Candidate, Origin};
pub use error::RetrievalError;
pub use extraction::{Organization, UntaggedImage};
pub use followed::{FollowError, FollowedTag, FollowedTags};
pub use git::{GitError, GitSettings};
pub use new_tags::{FoundTag, NewTags, NotNewReason, NotNewTag, Summary};
pub use retrieved::{Dropped, Found, FoundImage, Retrieved};
pub use run::{EntryError, Limits, Outcome, retrieve};
pub use source::{Upstreams, VersionSource};
pub use sources::MAX_TIMES_READ;
