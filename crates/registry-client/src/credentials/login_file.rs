//! An auth file that is changed: what is not ours stays, and a reader sees the
//! old file or the new one, nothing between.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Serializer, Value};
use tempfile::Builder;
use zeroize::Zeroizing;

use super::auth_file::{AuthFile, AuthFileError};
use super::auth_key::AuthKey;

/// Why an auth file cannot be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginFileError {
    /// What is there cannot be read; it is left as it is.
    #[error(transparent)]
    Read(#[from] AuthFileError),
    /// A folder, a device or the like.
    #[error("{} is not a regular file; name another auth file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// The new content cannot be put in its place; the old one is as it was.
    #[error("cannot write the auth file {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The file, in memory. No `Debug`: the document holds the secrets as they are.
pub(super) struct LoginFile {
    /// Behind a link, if there is one.
    target: PathBuf,
    mode: u32,
    document: Map<String, Value>,
    /// The same, understood: who keeps the logins of which host.
    pub(super) parsed: AuthFile,
}

/// For a new file; an old one may be stricter.
const OWNER_ONLY: u32 = 0o600;

impl LoginFile {
    /// Reads the file at `path`, or behind the link there; a missing one is
    /// empty. Blocks.
    pub(super) fn read(path: &Path) -> Result<Self, LoginFileError> {
        let target = behind_link(path);
        let error = |source| AuthFileError::Read {
            path: target.clone(),
            source,
        };
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
            // Three nulls in an array pass for the struct above, not for this.
            serde_json::from_slice(&bytes).map_err(|_| AuthFileError::Shape {
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

    /// Sets what is under `key`, and under every other spelling of it that the
    /// file has: tools differ in the one they look at.
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
            if AuthKey::parse(held).means(key) {
                *entry = value.clone();
                found = true;
            }
        }
        if !found {
            auths.insert(key.file_key(), value.clone());
        }
    }

    /// Takes out every spelling of `key`; `false` where there was none.
    pub(super) fn take(&mut self, key: &AuthKey) -> bool {
        let Some(Value::Object(auths)) = self.document.get_mut("auths") else {
            return false;
        };
        let before = auths.len();
        auths.retain(|held, _| !AuthKey::parse(held).means(key));
        auths.len() < before
    }

    /// Puts the new content in the place of the old. Blocks.
    pub(super) fn write(&self) -> Result<(), LoginFileError> {
        self.try_write().map_err(|source| LoginFileError::Write {
            path: self.target.clone(),
            source,
        })
    }

    fn try_write(&self) -> io::Result<()> {
        let folder = match self.target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut new = Builder::new().prefix(".auth-").tempfile_in(folder)?;
        new.as_file()
            .set_permissions(Permissions::from_mode(self.mode))?;
        let mut text = Zeroizing::new(Vec::new());
        // With tabs, as docker and podman write it.
        let format = PrettyFormatter::with_indent(b"\t");
        self.document
            .serialize(&mut Serializer::with_formatter(&mut *text, format))?;
        text.push(b'\n');
        new.write_all(&text)?;
        new.as_file().sync_all()?;
        new.persist(&self.target)?;
        File::open(folder)?.sync_all()
    }
}

/// Where writing has to go for a link to stay one, also for one whose target is
/// not there yet.
fn behind_link(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (fs::read_link(path), path.parent()) {
        (Ok(target), Some(folder)) => folder.join(target),
        _ => path.into(),
    }
}
