//! Logging in and out: changing one auth file, or the helper it names.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::auth_file::encode;
use super::auth_key::AuthKey;
use super::credential::Credential;
use super::helper::Helpers;
use super::helper_error::HelperError;
use super::helper_name::HelperName;
use super::login_file::{LoginFile, LoginFileError};

/// Where a login is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginPlace {
    /// In this file, readable for whoever can read the file.
    File(PathBuf),
    /// With this helper, which the file names.
    Helper {
        /// The `NAME` of `docker-credential-NAME`.
        name: String,
        /// The file.
        file: PathBuf,
    },
}

/// Why a login was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// What was named is no `host[:port][/path]`.
    #[error("{key:?} is no registry; write HOST[:PORT], or HOST[:PORT]/PATH for a login below it")]
    Key {
        /// What was given.
        key: String,
    },
    /// RFC 7617: the colon ends the user.
    #[error("a user name cannot contain a colon")]
    Colon,
    /// The auth file.
    #[error(transparent)]
    File(#[from] LoginFileError),
    /// The helper that the file names.
    #[error("{source} (named in {})", file.display())]
    Helper {
        /// The file.
        file: PathBuf,
        /// Why.
        source: HelperError,
    },
    /// The file gives the whole host to a helper, which would be asked first.
    #[error(
        "{} gives {host} to the credential helper {helper}, so a login for {host}/{path} would not \
         be used; log in to {host}, or take it out of `credHelpers`",
        file.display()
    )]
    HelperForHost {
        /// The file.
        file: PathBuf,
        /// The key of `credHelpers`.
        host: String,
        /// The path of the login.
        path: String,
        /// The helper.
        helper: String,
    },
    /// The task that changes the file was broken off with the program.
    #[error("the change of the auth file was interrupted: {0}")]
    Interrupted(io::Error),
}

/// Keeps `credential` for `key`, a `host[:port]` or something below it, in the
/// auth file at `path`, or with the helper that this file names for it.
///
/// The file stays what it was but for this entry: fields, order, a link in its
/// place. It is replaced atomically, readable by its owner only, its folders
/// are made where they are missing.
///
/// # Errors
///
/// [`LoginError`]; the file is then as it was.
pub async fn write_login(
    path: &Path,
    key: &str,
    credential: &Credential,
    helpers: &Helpers,
) -> Result<LoginPlace, LoginError> {
    let key = parse_key(key)?;
    let value = entry(credential)?;
    let mut file = read(path).await?;
    match keeper(&file, &key)? {
        None => {
            file.put(&key, &value);
            let place = LoginPlace::File(file.path().into());
            write(file).await?;
            Ok(place)
        }
        Some(Keeper { helper, server, .. }) => {
            let stored = helpers.store(&helper, &server, credential).await;
            stored.map_err(|error| helper_error(&file, error))?;
            // A password left in the file from before would be found first.
            file.put(&key, &json!({}));
            let place = with_helper(&helper, &file);
            write(file).await?;
            Ok(place)
        }
    }
}

/// Forgets what is kept for `key` in the auth file at `path` and with the helper
/// that this file names for it. Empty: nothing was kept.
///
/// # Errors
///
/// [`LoginError`]; the file is then as it was.
pub async fn remove_login(
    path: &Path,
    key: &str,
    helpers: &Helpers,
) -> Result<Vec<LoginPlace>, LoginError> {
    let key = parse_key(key)?;
    let mut file = read(path).await?;
    let mut removed = Vec::new();
    let kept_by = match keeper(&file, &key) {
        Err(LoginError::HelperForHost { .. }) => None,
        kept_by => kept_by?,
    };
    if let Some(Keeper {
        helper, servers, ..
    }) = kept_by
    {
        for server in servers {
            let erased = helpers.erase(&helper, &server).await;
            let place = with_helper(&helper, &file);
            if erased.map_err(|error| helper_error(&file, error))? && !removed.contains(&place) {
                removed.push(place);
            }
        }
    }
    if file.take(&key) {
        if removed.is_empty() {
            removed.push(LoginPlace::File(file.path().into()));
        }
        write(file).await?;
    }
    Ok(removed)
}

fn parse_key(text: &str) -> Result<AuthKey, LoginError> {
    let key = AuthKey::parse(text);
    let parts = key.path().split('/');
    let strange = |text: &str| text.contains(|c: char| c.is_whitespace() || "@?#".contains(c));
    let fits = !key.host().is_empty()
        && !strange(text)
        && !text.contains("*")
        && (key.path().is_empty() || parts.into_iter().all(|part| !part.is_empty()));
    // A key of one form, whatever was typed: `https://host/` means `host`.
    let plain = || AuthKey::parse(&key.file_key());
    fits.then(plain)
        .ok_or_else(|| LoginError::Key { key: text.into() })
}

fn entry(credential: &Credential) -> Result<Value, LoginError> {
    Ok(match credential {
        Credential::Basic { username, .. } if username.contains(':') => {
            return Err(LoginError::Colon);
        }
        Credential::Basic { username, password } => {
            json!({"auth": encode(username, password).expose()})
        }
        Credential::IdentityToken(token) => json!({"identitytoken": token.expose()}),
        Credential::RegistryToken(token) => json!({"registrytoken": token.expose()}),
    })
}

/// Who keeps the logins of a key where the file itself does not.
struct Keeper {
    helper: HelperName,
    /// What a login is stored under.
    server: String,
    /// What it may be stored under, by this program or another.
    servers: Vec<String>,
}

/// The helper that keeps the logins of `key`; `None`: the file itself does.
fn keeper(file: &LoginFile, key: &AuthKey) -> Result<Option<Keeper>, LoginError> {
    let by = |helper: &HelperName, asked: &AuthKey| {
        let auths = file.parsed.auths.iter().map(|(held, _)| held);
        let spelled = auths.filter(|held| held.means(key));
        let mut servers = asked.servers();
        servers.extend(spelled.map(|held| held.raw.clone()));
        servers.sort();
        servers.dedup();
        Keeper {
            helper: helper.clone(),
            server: asked.server(),
            servers,
        }
    };
    for (held, name) in &file.parsed.cred_helpers {
        if held.means(key) {
            return Ok(Some(by(name, held)));
        }
        if held.covers(key.host(), key.path()) {
            return Err(LoginError::HelperForHost {
                file: file.path().into(),
                host: held.raw.clone(),
                path: key.path().into(),
                helper: name.to_string(),
            });
        }
    }
    let store = file.parsed.creds_store.as_ref();
    Ok(store.map(|name| by(name, key)))
}

fn with_helper(name: &HelperName, file: &LoginFile) -> LoginPlace {
    LoginPlace::Helper {
        name: name.to_string(),
        file: file.path().into(),
    }
}

fn helper_error(file: &LoginFile, source: HelperError) -> LoginError {
    LoginError::Helper {
        file: file.path().into(),
        source,
    }
}

async fn read(path: &Path) -> Result<LoginFile, LoginError> {
    let path = path.to_owned();
    blocking(move || LoginFile::read(&path)).await
}

async fn write(file: LoginFile) -> Result<(), LoginError> {
    blocking(move || file.write()).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoginFileError> + Send + 'static,
) -> Result<T, LoginError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| LoginError::Interrupted(error.into()))??)
}
