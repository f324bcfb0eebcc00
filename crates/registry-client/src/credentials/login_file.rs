//! An auth file that is edited. Other entries and fields are kept.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use atomic_file::{Mode, StagedFile, directory_of, resolve_link};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Serializer, Value};
use zeroize::Zeroizing;

use super::auth_file::{AuthFile, AuthFileError};
use super::auth_key::AuthKey;

/// A failed change of an auth file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginFileError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] AuthFileError),
    /// The path is a directory, a device or the like.
    #[error("{} is not a regular file; name another auth file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write the auth file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The content of an auth file. No `Debug`: the document contains the secrets.
pub(super) struct LoginFile {
    /// The path, links resolved.
    target: PathBuf,
    mode: u32,
    document: Map<String, Value>,
    /// The document before any change.
    pub(super) parsed: AuthFile,
}

/// The mode of a new file; an existing one can be stricter.
const OWNER_ONLY: u32 = 0o600;

impl LoginFile {
    /// Reads the file at `path`; a missing file is empty. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, LoginFileError> {
        let error = |source| AuthFileError::Read {
            path: path.to_owned(),
            source,
        };
        let target = resolve_link(path).map_err(error)?;
        let (bytes, mode) = match fs::metadata(&target) {
            Ok(found) if !found.is_file() => {
                return Err(LoginFileError::NotAFile { path: target });
            }
            Ok(found) => {
                let bytes = Zeroizing::new(fs::read(&target).map_err(error)?);
                (bytes, found.permissions().mode() & OWNER_ONLY)
            }
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                (Zeroizing::default(), OWNER_ONLY)
            }
            Err(source) => return Err(error(source).into()),
        };
        let parsed = AuthFile::parse(&target, &bytes)?;
        let document = if bytes.trim_ascii().is_empty() {
            Map::new()
        } else {
            // serde accepts `[null, null, null]` for the struct above.
            serde_json::from_slice(&bytes).map_err(|_| AuthFileError::Form {
                path: target.clone(),
                line: 1,
                column: 1,
            })?
        };
        Ok(Self {
            target,
            mode,
            document,
            parsed,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.target
    }

    /// Sets the entry of `key` and of every equivalent key in the file, since tools differ in the key
    /// they read.
    pub(super) fn put(&mut self, key: &AuthKey, value: &Value) {
        let auths = self.document.entry("auths").or_insert(Value::Null);
        if auths.is_null() {
            *auths = Value::Object(Map::new());
        }
        let Value::Object(auths) = auths else {
            return;
        };
        let mut found = false;
        for (held, entry) in auths.iter_mut() {
            if AuthKey::parse(held).is_equivalent(key) {
                *entry = value.clone();
                found = true;
            }
        }
        if !found {
            auths.insert(key.file_key(), value.clone());
        }
    }

    /// Removes `key` and every equivalent key. Returns whether there was one.
    pub(super) fn remove(&mut self, key: &AuthKey) -> bool {
        let Some(Value::Object(auths)) = self.document.get_mut("auths") else {
            return false;
        };
        let before = auths.len();
        auths.retain(|held, _| !AuthKey::parse(held).is_equivalent(key));
        auths.len() < before
    }

    /// Replaces the file. Blocks.
    pub(super) fn write(&self) -> Result<(), LoginFileError> {
        self.try_write().map_err(|source| LoginFileError::Write {
            path: self.target.clone(),
            source,
        })
    }

    fn try_write(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory_of(&self.target))?;
        let mut text = Zeroizing::new(Vec::new());
        // With tabs, as docker and podman write it.
        let format = PrettyFormatter::with_indent(b"\t");
        self.document
            .serialize(&mut Serializer::with_formatter(&mut *text, format))?;
        text.push(b'\n');
        StagedFile::new(&self.target, &text, Mode::Exact(self.mode))?.commit()
    }
}
