//! The program `git`, which lists the tags of a repository.
//!
//! It supports every protocol and authentication of git repositories with the configuration of the
//! user, and requests tags only if the server can filter.
//!
//! # Environment
//!
//! git receives `PATH`, the variables that name the user's configuration, and those for proxies and
//! certificates. Its temporary files are in [`GitSettings::scratch`], and so is its `HOME`, unless the
//! user's home has a git configuration or a `.netrc`. With [`GitSettings::confiner`] it writes nothing
//! outside of that directory, also not through credential helpers.

mod error;
mod listing;
mod settings;

pub use error::GitError;
pub(crate) use listing::list_tags;
pub use settings::GitSettings;
