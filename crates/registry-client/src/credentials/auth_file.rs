//! Auth files: containers-auth.json(5), docker's `config.json` and Kubernetes'
//! `.dockerconfigjson`, which have one format.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::error::Category;

use super::auth_key::AuthKey;
use super::credential::{Credential, Secret};
use super::helper::{HelperName, HelperNameError};

/// A parsed auth file. Keys are sorted by rank.
#[derive(Debug)]
pub(super) struct AuthFile {
    pub(super) cred_helpers: Vec<(AuthKey, HelperName)>,
    pub(super) auths: Vec<(AuthKey, Entry)>,
    pub(super) creds_store: Option<HelperName>,
}

/// The value of a key of `auths`.
#[derive(Debug)]
pub(super) enum Entry {
    Login(Credential),
    /// `{}`: docker's mark for a login in the credentials store.
    Empty,
    /// An error for lookups of this key only; the other entries stay usable.
    Broken(EntryError),
}

/// An unusable auth file. Messages do not quote its content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthFileError {
    /// The file cannot be read, or the user named it and it does not exist.
    #[error("cannot read the auth file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not JSON.
    #[error(
        "{}:{line}:{column}: the auth file is not valid JSON; correct it, or move it away and log in again",
        path.display()
    )]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// The file is JSON of another form.
    #[error(
        "{}:{line}:{column}: not an auth file, expected {{\"auths\": {{\"HOST\": {{\"auth\": …}}}}}}; \
         correct it, or move it away and log in again",
        path.display()
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// The content of a variable is not an auth file.
    #[error(
        "{}:{line}:{column}: not an auth file in JSON, {{\"auths\": {{\"HOST\": {{\"auth\": …}}}}}}; correct the \
         variable, or unset it",
        name.display()
    )]
    Variable {
        /// The variable.
        name: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
    },
    /// `credHelpers` or `credsStore` has an invalid helper name.
    #[error("{}: `{setting}`: {source}", path.display())]
    HelperName {
        /// The file.
        path: PathBuf,
        /// `credsStore`, or `credHelpers` and its key.
        setting: String,
        /// The cause.
        source: HelperNameError,
    },
    /// The entry for the requested host is unusable.
    #[error("{}: `auths` entry `{key}`: {source}; log in again", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The key of `auths`.
        key: String,
        /// The cause.
        source: EntryError,
    },
}

/// An invalid entry of `auths`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// `auth` is not base64.
    #[error("`auth` is not base64")]
    Base64,
    /// The decoded `auth` is not UTF-8.
    #[error("the decoded `auth` is not UTF-8")]
    Text,
    /// The decoded `auth` has no colon.
    #[error("the decoded `auth` is not user:password")]
    Colon,
}

#[derive(Deserialize)]
struct RawFile {
    auths: Option<BTreeMap<String, Option<RawEntry>>>,
    #[serde(rename = "credHelpers")]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore")]
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct RawEntry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

/// Accepts missing padding, which secrets made by hand have.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl AuthFileError {
    /// Returns the error for content that is a variable's, whose name is in place of the path.
    pub(super) fn of_variable(self) -> Self {
        match self {
            Self::Syntax { path, line, column } | Self::Form { path, line, column } => {
                let name = path;
                Self::Variable { name, line, column }
            }
            other => other,
        }
    }
}

impl AuthFile {
    /// Parses the content of the file at `path`. An empty file is valid, as for podman and docker.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, AuthFileError> {
        let bytes = if bytes.trim_ascii().is_empty() {
            b"{}"
        } else {
            bytes
        };
        let raw: RawFile = serde_json::from_slice(bytes).map_err(|error| {
            // The message may quote the content, so only line and column are kept.
            let (path, line, column) = (path.into(), error.line(), error.column());
            match error.classify() {
                Category::Data => AuthFileError::Form { path, line, column },
                _ => AuthFileError::Syntax { path, line, column },
            }
        })?;
        let name = |setting: String, name: &str| {
            HelperName::parse(name).map_err(|source| AuthFileError::HelperName {
                path: path.into(),
                setting,
                source,
            })
        };
        let mut cred_helpers = Vec::new();
        for (key, helper) in raw.cred_helpers.unwrap_or_default() {
            if !helper.is_empty() {
                let parsed = name(format!("credHelpers.{key}"), &helper)?;
                cred_helpers.push((AuthKey::parse(&key), parsed));
            }
        }
        let auths = raw.auths.unwrap_or_default().into_iter();
        let mut auths: Vec<_> = auths
            .map(|(key, entry)| (AuthKey::parse(&key), Entry::read(entry)))
            .collect();
        cred_helpers.sort_by_key(|(key, _)| key.rank());
        auths.sort_by_key(|(key, _)| key.rank());
        let creds_store = raw.creds_store.filter(|store| !store.is_empty());
        Ok(Self {
            cred_helpers,
            auths,
            creds_store: creds_store
                .map(|store| name("credsStore".into(), &store))
                .transpose()?,
        })
    }
}

impl Entry {
    fn read(raw: Option<RawEntry>) -> Self {
        let Some(raw) = raw else {
            return Self::Empty;
        };
        let filled = |secret: Option<Secret>| secret.filter(|text| !text.expose().is_empty());
        if let Some(token) = filled(raw.registrytoken) {
            return Self::Login(Credential::RegistryToken(token));
        }
        if let Some(token) = filled(raw.identitytoken) {
            return Self::Login(Credential::IdentityToken(token));
        }
        let pair = match filled(raw.auth) {
            Some(auth) => decode(&auth),
            None => Ok((
                raw.username.unwrap_or_default(),
                raw.password.unwrap_or_else(|| String::new().into()),
            )),
        };
        match pair {
            Ok((username, password)) => {
                Credential::from_pair(username, password).map_or(Self::Empty, Self::Login)
            }
            Err(error) => Self::Broken(error),
        }
    }
}

/// Decodes base64 of `user:password`. The password can contain colons; old versions of docker padded
/// it with NUL.
fn decode(auth: &Secret) -> Result<(String, Secret), EntryError> {
    let text = auth.expose().bytes();
    let text: Vec<u8> = text.filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(text).map_err(|_| EntryError::Base64)?;
    let pair = Secret::from(String::from_utf8(bytes).map_err(|_| EntryError::Text)?);
    let (username, password) = pair.expose().split_once(':').ok_or(EntryError::Colon)?;
    let password = password.trim_matches('\0').to_owned();
    Ok((username.into(), password.into()))
}

/// Encodes a login as base64 of `user:password`.
pub(super) fn encode(username: &str, password: &Secret) -> Secret {
    let pair = Secret::from(format!("{username}:{}", password.expose()));
    BASE64.encode(pair.expose()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> String {
        let text = format!(r#"{{"auths": {{"r.io": {json}}}}}"#);
        let file = AuthFile::parse(Path::new("auth.json"), text.as_bytes()).unwrap();
        match &file.auths[0].1 {
            Entry::Login(Credential::Basic { username, password }) => {
                format!("{username} with {}", password.expose())
            }
            Entry::Login(Credential::IdentityToken(token)) => {
                format!("identity {}", token.expose())
            }
            Entry::Login(Credential::RegistryToken(token)) => {
                format!("registry {}", token.expose())
            }
            Entry::Empty => "empty".into(),
            Entry::Broken(error) => format!("broken: {error}"),
        }
    }

    #[test]
    fn entry_is_parsed_in_every_form_that_tools_write() {
        // dXNlcjpwYXNz: user:pass; dTpwOmE6Yg==: u:p:a:b; dTpwAAA=: u:p and two NUL;
        // dXNlcg==: user; PHRva2VuPjp0: <token>:t; gIA=: not UTF-8.
        let rows = [
            (r#"{"auth": "dXNlcjpwYXNz"}"#, "user with pass"),
            (r#"{"auth": "dTpwOmE6Yg=="}"#, "u with p:a:b"),
            (r#"{"auth": "dTpwOmE6Yg"}"#, "u with p:a:b"),
            (r#"{"auth": "dXNl\ncjpw\nYXNz\n"}"#, "user with pass"),
            (r#"{"auth": "dTpwAAA="}"#, "u with p"),
            (r#"{"auth": "PHRva2VuPjp0"}"#, "identity t"),
            (r#"{"username": "u", "password": "p"}"#, "u with p"),
            (
                r#"{"auth": "", "username": "u", "password": "p"}"#,
                "u with p",
            ),
            (
                r#"{"auth": "dXNlcjpwYXNz", "username": "x"}"#,
                "user with pass",
            ),
            (
                r#"{"auth": "dXNlcjpwYXNz", "identitytoken": "t"}"#,
                "identity t",
            ),
            (
                r#"{"identitytoken": "t", "registrytoken": "r"}"#,
                "registry r",
            ),
            (r#"{"email": "a@b"}"#, "empty"),
            (r#"{"auth": null}"#, "empty"),
            ("null", "empty"),
            (
                r#"{"auth": "dXNlcg=="}"#,
                "broken: the decoded `auth` is not user:password",
            ),
            (r#"{"auth": "a*"}"#, "broken: `auth` is not base64"),
            (
                r#"{"auth": "gIA="}"#,
                "broken: the decoded `auth` is not UTF-8",
            ),
        ];
        for (json, want) in rows {
            assert_eq!(entry(json), want, "{json}");
        }
    }

    #[test]
    fn error_of_an_invalid_file_has_its_position_and_no_content() {
        let rows = [
            (
                "{\n  \"auths\": CANARY",
                "/f:2:12: the auth file is not valid JSON",
            ),
            (
                "{\"auths\": {\"r.io\": \"CANARY\"}}",
                "/f:1:27: not an auth file",
            ),
            (
                "{\"auths\": {\n\"r.io\": {\"auth\": 7}}}",
                "/f:2:18: not an auth file",
            ),
            ("[\"CANARY\"]", "/f:1:9: not an auth file"),
            ("{\"credsStore\": \"../x\"}", "/f: `credsStore`: \"../x\""),
            (
                "{\"credHelpers\": {\"r.io\": \"a b\"}}",
                "/f: `credHelpers.r.io`: \"a b\"",
            ),
        ];
        for (text, want) in rows {
            let error = AuthFile::parse(Path::new("/f"), text.as_bytes()).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with(want), "{text}: {message}");
            assert!(
                !format!("{message}{error:?}").contains("CANARY"),
                "{message}"
            );
        }
    }

    #[test]
    fn empty_file_and_empty_settings_are_valid() {
        let empties = [
            "",
            " \n",
            "{}",
            r#"{"auths": null, "credHelpers": {"a.b": ""}, "credsStore": ""}"#,
        ];
        for text in empties {
            let file = AuthFile::parse(Path::new("f"), text.as_bytes()).unwrap();
            let settings = file.auths.len() + file.cred_helpers.len();
            assert_eq!((settings, file.creds_store), (0, None), "{text:?}");
        }
    }
}
