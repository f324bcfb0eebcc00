//! Login and logout: changes to an auth file or to its helpers.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::auth_file::encode;
use super::auth_key::AuthKey;
use super::credential::Credential;
use super::helper::{HelperError, HelperName, Helpers};
use super::login_file::{LoginFile, LoginFileError};

/// The location of a stored login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginLocation {
    /// In this file, unencrypted.
    File(PathBuf),
    /// In the store of a credential helper.
    Helper {
        /// The `NAME` of `docker-credential-NAME`.
        name: String,
        /// The file with the name of the helper.
        file: PathBuf,
    },
}

/// A failed change of a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The key is not `host[:port][/path]`.
    #[error("{key:?} is not a registry: expected HOST[:PORT] or HOST[:PORT]/PATH")]
    Key {
        /// The given key.
        key: String,
    },
    /// The user contains a colon, which ends it (RFC 7617).
    #[error("a user name cannot contain a colon")]
    Colon,
    /// The auth file cannot be changed.
    #[error(transparent)]
    File(#[from] LoginFileError),
    /// The helper failed.
    #[error("{source} (configured in {})", file.display())]
    Helper {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: HelperError,
    },
    /// The file assigns the whole host to a helper, which takes precedence.
    #[error(
        "{} assigns {host} to the credential helper {helper}, so a login for {host}/{path} would not \
         be used; log in to {host}, or remove it from `credHelpers`",
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
    /// The task that changes the file was canceled.
    #[error("the change of the auth file was interrupted: {0}")]
    Interrupted(io::Error),
}

/// Stores `credential` for `key` (`host[:port][/path]`) in the auth file at `path`, or in the helper
/// that this file assigns to the key.
///
/// All other fields and their order are kept, and a link stays a link. The file is replaced
/// atomically and readable by its owner only; missing directories are created.
///
/// # Errors
///
/// [`LoginError`]; the file is unchanged.
pub async fn write_login(
    path: &Path,
    key: &str,
    credential: &Credential,
    helpers: &Helpers,
) -> Result<LoginLocation, LoginError> {
    let key = parse_key(key)?;
    let value = entry(credential)?;
    let mut file = read(path).await?;
    match assigned_helper(&file, &key)? {
        None => {
            file.put(&key, &value);
            let location = LoginLocation::File(file.path().into());
            write(file).await?;
            Ok(location)
        }
        Some(AssignedHelper { helper, server, .. }) => {
            let stored = helpers.store(&helper, &server, credential).await;
            stored.map_err(|error| helper_error(&file, error))?;
            // An older password in the file would take precedence.
            file.put(&key, &json!({}));
            let location = in_helper(&helper, &file);
            write(file).await?;
            Ok(location)
        }
    }
}

/// Removes the login for `key` from the auth file at `path` and from the helper that this file
/// assigns to the key. Returns the locations of the removed logins.
///
/// # Errors
///
/// [`LoginError`]; the file is unchanged.
pub async fn remove_login(
    path: &Path,
    key: &str,
    helpers: &Helpers,
) -> Result<Vec<LoginLocation>, LoginError> {
    let key = parse_key(key)?;
    let mut file = read(path).await?;
    let mut removed = Vec::new();
    let assigned = match assigned_helper(&file, &key) {
        Err(LoginError::HelperForHost { .. }) => None,
        assigned => assigned?,
    };
    if let Some(AssignedHelper {
        helper, servers, ..
    }) = assigned
    {
        for server in servers {
            let erased = helpers.erase(&helper, &server).await;
            let location = in_helper(&helper, &file);
            if erased.map_err(|error| helper_error(&file, error))? && !removed.contains(&location) {
                removed.push(location);
            }
        }
    }
    if file.remove(&key) {
        if removed.is_empty() {
            removed.push(LoginLocation::File(file.path().into()));
        }
        write(file).await?;
    }
    Ok(removed)
}

/// Parses the key of a login, `host[:port][/path]`, into host and path. The path of a whole host is
/// empty.
///
/// # Errors
///
/// [`LoginError::Key`].
pub fn parse_login_key(text: &str) -> Result<(String, String), LoginError> {
    let key = parse_key(text)?;
    Ok((key.host().to_owned(), key.path().to_owned()))
}

fn parse_key(text: &str) -> Result<AuthKey, LoginError> {
    let key = AuthKey::parse(text);
    let parts = key.path().split('/');
    let has_invalid_characters =
        |text: &str| text.contains(|c: char| c.is_whitespace() || "@?#".contains(c));
    let is_valid = !key.host().is_empty()
        && !has_invalid_characters(text)
        && !text.contains("*")
        && (key.path().is_empty() || parts.into_iter().all(|part| !part.is_empty()));
    // `https://host/` becomes `host`.
    let normalized = || AuthKey::parse(&key.file_key());
    is_valid
        .then(normalized)
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

/// The helper that a file assigns to a key.
struct AssignedHelper {
    helper: HelperName,
    /// The server under which a login is stored.
    server: String,
    /// The servers under which this program or others may have stored it.
    servers: Vec<String>,
}

/// Returns the helper for the logins of `key`, or `None` if they are in the file itself.
fn assigned_helper(file: &LoginFile, key: &AuthKey) -> Result<Option<AssignedHelper>, LoginError> {
    let assign = |helper: &HelperName, assigned: &AuthKey| {
        let auths = file.parsed.auths.iter().map(|(held, _)| held);
        let equivalent = auths.filter(|held| held.is_equivalent(key));
        let mut servers = assigned.servers();
        servers.extend(equivalent.map(|held| held.raw.clone()));
        servers.sort();
        servers.dedup();
        AssignedHelper {
            helper: helper.clone(),
            server: assigned.server(),
            servers,
        }
    };
    for (held, name) in &file.parsed.cred_helpers {
        if held.is_equivalent(key) {
            return Ok(Some(assign(name, held)));
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
    Ok(store.map(|name| assign(name, key)))
}

fn in_helper(name: &HelperName, file: &LoginFile) -> LoginLocation {
    LoginLocation::Helper {
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
