//! The paths of a bundle's members.

use std::fmt;
use std::str::FromStr;

use image_name::{Algorithm, Digest, DigestError, RepositoryPath};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The path of the document that lists all other members.
pub const CONTENTS_FILE: &str = "mirror.json";

/// The directory of content that is named by its digest.
const BLOBS: &str = "blobs";

/// A member of a bundle, besides `mirror.json` and its signature.
///
/// It becomes a path in an archive or below a directory, so it holds nothing but known names, digests and
/// repositories.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberPath {
    /// The repository whose layout has the file; `None` in a bundle of one layout, and for the list.
    repository: Option<RepositoryPath>,
    file: MemberFile,
}

/// A file of a layout, or a slice of the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberFile {
    /// `oci-layout`.
    OciLayout,
    /// `index.json`.
    Index,
    /// `manifest.json` of `docker save`.
    DockerManifest,
    /// `images-list`, the exported rows.
    List,
    /// `images-list.lock`, their approvals.
    Lock,
    /// `blobs/ALGORITHM/HEX`: a manifest, config or layer.
    Blob(Digest),
}

/// The reason why a path is not one of a bundle's member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberPathError {
    /// The path is none that a bundle has.
    #[error("`{}` is no member of a bundle", path.escape_debug())]
    Unknown {
        /// The path, cut to 200 characters.
        path: String,
    },
    /// The name of a blob is no digest.
    #[error("`{}` is no blob of a bundle: {cause}", path.escape_debug())]
    Digest {
        /// The path, cut to 200 characters.
        path: String,
        /// The cause.
        cause: DigestError,
    },
}

impl MemberPath {
    /// Creates the path of a file in a bundle of one layout.
    #[must_use]
    pub fn new(file: MemberFile) -> Self {
        Self {
            repository: None,
            file,
        }
    }

    /// Creates the path of a file in the layout of a repository.
    #[must_use]
    pub fn in_repository(repository: RepositoryPath, file: MemberFile) -> Self {
        Self {
            repository: Some(repository),
            file,
        }
    }

    /// Creates the path of a blob in a bundle of one layout.
    #[must_use]
    pub fn blob(digest: Digest) -> Self {
        Self::new(MemberFile::Blob(digest))
    }

    /// Returns the repository whose layout has the file.
    #[must_use]
    pub fn repository(&self) -> Option<&RepositoryPath> {
        self.repository.as_ref()
    }

    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &MemberFile {
        &self.file
    }

    /// Returns the digest in the path of a blob.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        match &self.file {
            MemberFile::Blob(digest) => Some(digest),
            _ => None,
        }
    }
}

impl MemberFile {
    const FIXED: [(&'static str, Self); 5] = [
        ("oci-layout", Self::OciLayout),
        ("index.json", Self::Index),
        ("manifest.json", Self::DockerManifest),
        ("images-list", Self::List),
        ("images-list.lock", Self::Lock),
    ];
}

impl fmt::Display for MemberFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Blob(digest) = self {
            return write!(f, "{BLOBS}/{}/{}", digest.algorithm(), digest.hex());
        }
        let mut fixed = Self::FIXED.iter();
        let name = fixed.find(|(_, file)| file == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl fmt::Display for MemberPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repository) = &self.repository {
            write!(f, "{repository}/")?;
        }
        self.file.fmt(f)
    }
}

impl FromStr for MemberPath {
    type Err = MemberPathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path: String = text.chars().take(200).collect();
        let unknown = || MemberPathError::Unknown { path: path.clone() };
        let (directory, name) = match text.rsplit_once('/') {
            Some((directory, name)) => (Some(directory), name),
            None => (None, text),
        };
        let mut fixed = MemberFile::FIXED.iter();
        if let Some((_, file)) = fixed.find(|(fixed, _)| *fixed == name) {
            return Self::below(directory, file.clone()).ok_or_else(unknown);
        }
        let directory = directory.ok_or_else(unknown)?;
        let (above, algorithm) = match directory.rsplit_once('/') {
            Some((above, algorithm)) => (above, algorithm),
            None => return Err(unknown()),
        };
        let above = match above.rsplit_once('/') {
            Some((repository, BLOBS)) => Some(repository),
            None if above == BLOBS => None,
            _ => return Err(unknown()),
        };
        algorithm.parse::<Algorithm>().map_err(|_| unknown())?;
        let digest = format!("{algorithm}:{name}").parse();
        let digest = digest.map_err(|cause| MemberPathError::Digest {
            path: path.clone(),
            cause,
        })?;
        Self::below(above, MemberFile::Blob(digest)).ok_or_else(unknown)
    }
}

impl MemberPath {
    /// Returns a file in the layout of a repository. The list is in none.
    fn below(repository: Option<&str>, file: MemberFile) -> Option<Self> {
        let Some(repository) = repository else {
            return Some(Self::new(file));
        };
        if matches!(file, MemberFile::List | MemberFile::Lock) {
            return None;
        }
        let repository = repository.parse().ok()?;
        Some(Self::in_repository(repository, file))
    }
}

impl Serialize for MemberPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MemberPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_bundle_are_parsed_and_printed_alike() {
        let hex = "a".repeat(64);
        let long = "b".repeat(128);
        for path in [
            "oci-layout",
            "index.json",
            "manifest.json",
            "images-list",
            "images-list.lock",
            &format!("blobs/sha256/{hex}"),
            &format!("blobs/sha512/{long}"),
            "mirror/nginx/oci-layout",
            &format!("mirror/nginx/blobs/sha256/{hex}"),
            // A repository may have the name of the directory.
            &format!("blobs/sha256/blobs/sha256/{hex}"),
        ] {
            let parsed: MemberPath = path.parse().unwrap();
            assert_eq!(parsed.to_string(), path);
        }
    }

    #[test]
    fn no_other_path_is_a_member() {
        let hex = "a".repeat(64);
        for path in [
            "",
            "/",
            "/oci-layout",
            "./oci-layout",
            "../oci-layout",
            "mirror//oci-layout",
            "mirror/../oci-layout",
            "Mirror/oci-layout",
            "oci-layout/",
            "mirror.json",
            "mirror/images-list",
            "etc/passwd",
            &format!("blobs/sha256/{hex}/x"),
            &format!("blobs/sha256/{}", "A".repeat(64)),
            &format!("blobs/sha256/{}", "a".repeat(63)),
            &format!("blobs/md5/{}", "a".repeat(32)),
            &format!("blobs/sha256/../{hex}"),
            &format!("/blobs/sha256/{hex}"),
            &format!("blobs//sha256/{hex}"),
            "oci-layout\0",
        ] {
            assert!(path.parse::<MemberPath>().is_err(), "{path}");
        }
    }
}
