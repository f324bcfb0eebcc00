//! The lookup of credentials in all sources.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::auth_file::{AuthFile, AuthFileError, Entry, EntryError};
use super::auth_key::AuthKey;
use super::credential::{Credential, Secret};
use super::helper::{HelperError, HelperName, Helpers};
use super::helper_cache::HelperCache;
use super::login::LoginLocation;
use super::pull_secret::auth_file_in_pull_secret;

/// The sources of credentials.
#[derive(Debug)]
pub struct CredentialSources {
    /// The files in the order of lookup; the first with a credential for a repository wins.
    pub files: Vec<CredentialFile>,
    /// The settings of the helpers in those files.
    pub helpers: Helpers,
}

/// An auth file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    path: PathBuf,
    presence: Presence,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
    /// The content is known; the path is its name in messages.
    Inline(Secret),
}

impl CredentialFile {
    /// Creates the source for a file that must exist.
    pub fn required(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            presence: Presence::Required,
        }
    }

    /// Creates the source for a file that is skipped if it does not exist.
    pub fn optional(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            presence: Presence::Optional,
        }
    }

    /// Creates the source for the content of an auth file that is not in a file. `name` is that of its
    /// variable.
    pub fn inline(name: &str, content: Secret) -> Self {
        Self {
            path: name.into(),
            presence: Presence::Inline(content),
        }
    }
}

/// A failed lookup. A missing credential is not an error: the access is anonymous.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// An auth file is unusable.
    #[error(transparent)]
    File(Arc<AuthFileError>),
    /// A helper failed.
    #[error("{source} (configured in {})", file.display())]
    Helper {
        /// The file with the name of the helper.
        file: PathBuf,
        /// The cause.
        source: Arc<HelperError>,
    },
}

impl CredentialError {
    /// Reports whether the content of a variable is the cause.
    #[must_use]
    pub fn is_of_variable(&self) -> bool {
        matches!(self, Self::File(error) if matches!(**error, AuthFileError::Variable { .. }))
    }
}

impl From<AuthFileError> for CredentialError {
    fn from(error: AuthFileError) -> Self {
        Self::File(Arc::new(error))
    }
}

/// A store that looks credentials up. Each file is read once, and each helper runs once per server.
#[derive(Debug)]
pub struct CredentialStore {
    files: Vec<Source>,
    helpers: HelperCache,
}

#[derive(Debug)]
struct Source {
    file: CredentialFile,
    content: OnceCell<Option<AuthFile>>,
}

impl CredentialStore {
    /// Creates a store. No file is read before the first lookup.
    pub fn new(sources: CredentialSources) -> Self {
        let files = sources.files.into_iter().map(|file| Source {
            file,
            content: OnceCell::new(),
        });
        Self {
            files: files.collect(),
            helpers: HelperCache::new(sources.helpers),
        }
    }

    /// Returns the credential for `repository` at `host`; `None` means anonymous.
    ///
    /// In each file `credHelpers` come first, then `auths`, then `credsStore`; in each of them the
    /// longest path first, the whole host last. An entry `{}` in `auths` refers to `credsStore`. If
    /// a helper has no credential, the lookup continues.
    ///
    /// The host of Docker Hub is `docker.io`; its one-part names are below `library/`.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if a source fails before a credential is found. A credential from a later
    /// source, or anonymous access, would hide the failure.
    pub async fn lookup(
        &self,
        host: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        let found = self.locate(host, repository).await?;
        Ok(found.map(|(credential, _)| credential))
    }

    /// Returns the credential of [`CredentialStore::lookup`] and where it comes from.
    ///
    /// # Errors
    ///
    /// As [`CredentialStore::lookup`].
    pub async fn locate(
        &self,
        host: &str,
        repository: &str,
    ) -> Result<Option<Located>, CredentialError> {
        for source in &self.files {
            let Some(file) = source.read().await? else {
                continue;
            };
            let found = self.lookup_in(source, file, host, repository).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Returns all entries of the sources in the order of lookup. No helper runs.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] for a file that cannot be read.
    pub async fn entries(&self) -> Result<Vec<StoredLogin>, CredentialError> {
        let mut entries = Vec::new();
        for source in &self.files {
            if let Some(file) = source.read().await? {
                entries.extend(source.entries(file));
            }
        }
        Ok(entries)
    }

    /// Looks a credential up again after a 401 for `refused`. A helper that returned it runs again,
    /// since credentials of helpers can expire within an hour. If the result is `refused`, there is
    /// no newer one.
    ///
    /// # Errors
    ///
    /// As [`CredentialStore::lookup`].
    pub async fn renew(
        &self,
        host: &str,
        repository: &str,
        refused: &Credential,
    ) -> Result<Option<Credential>, CredentialError> {
        self.helpers.remove(refused);
        self.lookup(host, repository).await
    }

    async fn lookup_in(
        &self,
        source: &Source,
        file: &AuthFile,
        host: &str,
        repository: &str,
    ) -> Result<Option<Located>, CredentialError> {
        for (key, helper) in &file.cred_helpers {
            if key.covers(host, repository) {
                let found = self.run_helper(source, helper, key).await?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        for (key, entry) in &file.auths {
            if !key.covers(host, repository) {
                continue;
            }
            match (entry, &file.creds_store) {
                (Entry::Login(credential), _) => {
                    let location = LoginLocation::File(source.file.path.clone());
                    return Ok(Some((credential.clone(), location)));
                }
                (Entry::Broken(error), _) => {
                    return Err(source.invalid_entry(key, *error).into());
                }
                (Entry::Empty, Some(store)) => {
                    let found = self.run_helper(source, store, key).await?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                (Entry::Empty, None) => {}
            }
        }
        match &file.creds_store {
            // The cache has the result if the store was queried above.
            Some(store) => self.run_helper(source, store, &AuthKey::parse(host)).await,
            None => Ok(None),
        }
    }

    async fn run_helper(
        &self,
        source: &Source,
        helper: &HelperName,
        key: &AuthKey,
    ) -> Result<Option<Located>, CredentialError> {
        for server in key.servers() {
            let found = self.helpers.get(helper, &server).await;
            let found = found.map_err(|error| CredentialError::Helper {
                file: source.file.path.clone(),
                source: error,
            })?;
            if let Some(found) = found {
                return Ok(Some((found, source.in_helper(helper))));
            }
        }
        Ok(None)
    }
}

/// A credential and where it comes from.
type Located = (Credential, LoginLocation);

/// An entry of a source of credentials, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLogin {
    /// The key as written, `HOST[:PORT][/PATH]` or a URL; `*` for a helper for all other hosts.
    pub key: String,
    /// The file or the helper with the credential.
    pub location: LoginLocation,
    /// The user of a password in a file.
    pub username: Option<String>,
    /// The reason why an entry cannot be used.
    pub problem: Option<EntryError>,
}

impl StoredLogin {
    /// Returns whether the entry applies to a repository at a host, or to the whole host if the repository
    /// is empty.
    #[must_use]
    pub fn covers(&self, host: &str, repository: &str) -> bool {
        self.key == ANY_HOST || AuthKey::parse(&self.key).covers(host, repository)
    }
}

/// The key of a helper for all hosts.
const ANY_HOST: &str = "*";

impl Source {
    fn in_helper(&self, helper: &HelperName) -> LoginLocation {
        LoginLocation::Helper {
            name: helper.to_string(),
            file: self.file.path.clone(),
        }
    }

    fn entries(&self, file: &AuthFile) -> Vec<StoredLogin> {
        let entry = |key: &str, location| StoredLogin {
            key: key.to_owned(),
            location,
            username: None,
            problem: None,
        };
        let in_file = || LoginLocation::File(self.file.path.clone());
        let helpers = file.cred_helpers.iter();
        let mut entries: Vec<_> = helpers
            .map(|(key, helper)| entry(&key.raw, self.in_helper(helper)))
            .collect();
        for (key, found) in &file.auths {
            match (found, &file.creds_store) {
                (Entry::Login(credential), _) => entries.push(StoredLogin {
                    username: credential.username(),
                    ..entry(&key.raw, in_file())
                }),
                (Entry::Broken(error), _) => entries.push(StoredLogin {
                    problem: Some(*error),
                    ..entry(&key.raw, in_file())
                }),
                (Entry::Empty, Some(store)) => {
                    entries.push(entry(&key.raw, self.in_helper(store)));
                }
                (Entry::Empty, None) => {}
            }
        }
        let store = file.creds_store.iter();
        entries.extend(store.map(|store| entry(ANY_HOST, self.in_helper(store))));
        entries
    }

    async fn read(&self) -> Result<Option<&AuthFile>, AuthFileError> {
        let content = self.content.get_or_try_init(|| async {
            let path = &self.file.path;
            if let Presence::Inline(content) = &self.file.presence {
                let parsed = AuthFile::parse(path, content.expose().as_bytes());
                return parsed.map(Some).map_err(AuthFileError::of_variable);
            }
            match tokio::fs::read(path).await {
                Ok(bytes) => match auth_file_in_pull_secret(&bytes) {
                    Some(content) => AuthFile::parse(path, content.expose().as_bytes()).map(Some),
                    None => AuthFile::parse(path, &bytes).map(Some),
                },
                Err(error) if self.file.presence == Presence::Optional && is_missing(&error) => {
                    Ok(None)
                }
                Err(source) => Err(AuthFileError::Read {
                    path: path.clone(),
                    source,
                }),
            }
        });
        Ok(content.await?.as_ref())
    }

    fn invalid_entry(&self, key: &AuthKey, source: EntryError) -> AuthFileError {
        AuthFileError::Entry {
            path: self.file.path.clone(),
            key: key.raw.clone(),
            source,
        }
    }
}

/// Returns whether a file does not exist, also because a directory in its path is a file: a `HOME` of
/// `/dev/null` is common.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
