//! All sources together: which credential is for which repository.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::auth_file::{AuthFile, AuthFileError, Entry, EntryError};
use super::auth_key::AuthKey;
use super::credential::Credential;
use super::helper::Helpers;
use super::helper_answers::HelperAnswers;
use super::helper_error::HelperError;
use super::helper_name::HelperName;

/// Where credentials come from.
#[derive(Debug)]
pub struct CredentialSources {
    /// The first that has a credential for a name decides.
    pub files: Vec<CredentialFile>,
    /// How the helpers that those files name are run.
    pub helpers: Helpers,
}

/// An auth file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFile {
    path: PathBuf,
    presence: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

impl CredentialFile {
    /// A file that the user named: that it is missing is an error.
    pub fn required(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            presence: Presence::Required,
        }
    }

    /// A file that may be there.
    pub fn optional(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            presence: Presence::Optional,
        }
    }
}

/// Why no credential could be looked up. It is not "there is none": that is
/// `Ok(None)`, and means anonymous.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file is unusable.
    #[error(transparent)]
    File(Arc<AuthFileError>),
    /// A helper that a file names gave no answer.
    #[error("{source} (named in {})", file.display())]
    Helper {
        /// The file that asks for the helper.
        file: PathBuf,
        /// Why.
        source: Arc<HelperError>,
    },
}

impl From<AuthFileError> for CredentialError {
    fn from(error: AuthFileError) -> Self {
        Self::File(Arc::new(error))
    }
}

/// Looks credentials up, reading each file and asking each helper once.
#[derive(Debug)]
pub struct CredentialStore {
    files: Vec<Source>,
    answers: HelperAnswers,
}

#[derive(Debug)]
struct Source {
    file: CredentialFile,
    read: OnceCell<Option<AuthFile>>,
}

impl CredentialStore {
    /// Reads nothing yet.
    pub fn new(sources: CredentialSources) -> Self {
        let files = sources.files.into_iter().map(|file| Source {
            file,
            read: OnceCell::new(),
        });
        Self {
            files: files.collect(),
            answers: HelperAnswers::new(sources.helpers),
        }
    }

    /// The credential for `repository` at `host`; `None` means anonymous.
    ///
    /// File by file, the first credential found: that of `credHelpers`, else of
    /// `auths`, else of `credsStore`; in each the longest path first, the whole
    /// host last. In `auths`, `{}` sends to the store. A helper that has none
    /// for a name passes on to what comes next.
    ///
    /// Docker Hub is `docker.io`, its one-part names are below `library/`.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] where a source that comes before any credential found
    /// cannot be read: asking with a later one, or with none, would hide that.
    pub async fn lookup(
        &self,
        host: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        for source in &self.files {
            let Some(file) = source.read().await? else {
                continue;
            };
            let found = self.in_file(source, file, host, repository).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Looks up again after `refused` was answered with a 401: helpers that gave
    /// it are run anew, since what they give may last an hour only. The same
    /// credential once more means that there is no better one.
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
        self.answers.forget(refused);
        self.lookup(host, repository).await
    }

    async fn in_file(
        &self,
        source: &Source,
        file: &AuthFile,
        host: &str,
        repository: &str,
    ) -> Result<Option<Credential>, CredentialError> {
        for (key, helper) in &file.cred_helpers {
            if key.covers(host, repository) {
                let found = self.ask(source, helper, key).await?;
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
                (Entry::Login(credential), _) => return Ok(Some(credential.clone())),
                (Entry::Broken(error), _) => {
                    return Err(source.broken(key, *error).into());
                }
                (Entry::Empty, Some(store)) => {
                    let found = self.ask(source, store, key).await?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                (Entry::Empty, None) => {}
            }
        }
        match &file.creds_store {
            // Asked above already under the same name, it answers from memory.
            Some(store) => self.ask(source, store, &AuthKey::parse(host)).await,
            None => Ok(None),
        }
    }

    async fn ask(
        &self,
        source: &Source,
        helper: &HelperName,
        key: &AuthKey,
    ) -> Result<Option<Credential>, CredentialError> {
        for server in key.servers() {
            let told = self.answers.get(helper, &server).await;
            let found = told.map_err(|error| CredentialError::Helper {
                file: source.file.path.clone(),
                source: error,
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

impl Source {
    async fn read(&self) -> Result<Option<&AuthFile>, AuthFileError> {
        let read = self.read.get_or_try_init(|| async {
            let path = &self.file.path;
            match tokio::fs::read(path).await {
                Ok(bytes) => AuthFile::parse(path, &bytes).map(Some),
                Err(error) if self.file.presence == Presence::Optional && is_missing(&error) => {
                    Ok(None)
                }
                Err(source) => Err(AuthFileError::Read {
                    path: path.clone(),
                    source,
                }),
            }
        });
        Ok(read.await?.as_ref())
    }

    fn broken(&self, key: &AuthKey, source: EntryError) -> AuthFileError {
        AuthFileError::Entry {
            path: self.file.path.clone(),
            key: key.raw.clone(),
            source,
        }
    }
}

/// Also where a part of the path is a file: a `HOME` of `/dev/null` is common.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
