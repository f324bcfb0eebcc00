//! Credentials: from auth files and credential helpers to what a registry is shown.
//!
//! podman's `auth.json`, docker's `config.json` and Kubernetes'
//! `.dockerconfigjson` are read alike; helpers (`docker-credential-NAME`) are
//! run. [`CredentialStore::lookup`] answers for one repository,
//! [`write_login`] and [`remove_login`] change a file.
//!
//! ```
//! use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store = CredentialStore::new(CredentialSources {
//!     files: vec![CredentialFile::optional("/nonexistent/auth.json")],
//!     helpers: Helpers::new("/usr/local/bin:/usr/bin"),
//! });
//! let found = store.lookup("quay.io", "coreos/etcd").await?;
//! assert!(found.is_none()); // ask anonymously
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants:
//!
//! - No secret is in a `Debug`, a message or a log. Errors of the JSON parser
//!   are reduced to their place, since they quote what they stumble over.
//! - A file is read once, a helper run once for each server, however many ask.
//! - A helper is run without a shell, with a deadline and a bound on its output.
//! - The environment is not read: files and the search path come in. A helper
//!   does inherit it.

mod auth_file;
mod auth_key;
mod credential;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod helper;
mod helper_answers;
mod helper_error;
mod helper_name;
#[cfg(test)]
mod helper_tests;
mod login;
mod login_file;
#[cfg(test)]
mod login_tests;
#[cfg(test)]
mod lookup_tests;
mod secret;
mod store;
#[cfg(test)]
mod test_helper;

pub use auth_file::{AuthFileError, EntryError};
pub use credential::Credential;
pub use helper::Helpers;
pub use helper_error::HelperError;
pub use helper_name::HelperNameError;
pub use login::{LoginError, LoginPlace, remove_login, write_login};
pub use login_file::LoginFileError;
pub use secret::Secret;
pub use store::{CredentialError, CredentialFile, CredentialSources, CredentialStore};
