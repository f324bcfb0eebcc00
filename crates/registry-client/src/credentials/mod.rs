//! Stored credentials: auth files and credential helpers.
//!
//! The files are podman's `auth.json`, docker's `config.json` and Kubernetes'
//! `.dockerconfigjson`, also within its Secret; the helpers are programs named `docker-credential-NAME`.
//! [`CredentialStore::lookup`] returns the credential for a repository, [`write_login`] and
//! [`remove_login`] change a file.
//!
//! ```
//! use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store = CredentialStore::new(CredentialSources {
//!     files: vec![CredentialFile::optional("/nonexistent/auth.json")],
//!     helpers: Helpers::new("/usr/local/bin:/usr/bin"),
//! });
//! let credential = store.lookup("quay.io", "coreos/etcd").await?;
//! assert!(credential.is_none()); // anonymous
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants:
//!
//! - No secret is in a `Debug`, a message or a log. Errors of the JSON parser are reduced to line
//!   and column, since they quote the content.
//! - A file is read once. A helper runs once for each server, however many callers need it.
//! - A helper runs without a shell, with a deadline and bounded output.
//! - The environment is not read: files and the search path are arguments. Helpers inherit it.

mod auth_file;
mod auth_key;
mod credential;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod helper;
mod helper_cache;
#[cfg(test)]
mod helper_tests;
mod login;
mod login_file;
#[cfg(test)]
mod login_tests;
#[cfg(test)]
mod lookup_tests;
mod pull_secret;
mod store;
#[cfg(test)]
mod test_helper;

pub use auth_file::{AuthFileError, EntryError};
pub use credential::{Credential, Secret};
pub use helper::{HelperError, HelperNameError, Helpers};
pub use login::{LoginError, LoginLocation, parse_login_key, remove_login, write_login};
pub use login_file::LoginFileError;
pub use pull_secret::auth_file_in_pull_secret;
pub use store::{CredentialError, CredentialFile, CredentialSources, CredentialStore, StoredLogin};
