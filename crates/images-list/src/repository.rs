//! A repository: an image's name without tag or digest.

use crate::name_grammar::{self, RepositoryError};
use crate::tag::Tag;
use oci_spec::distribution::Reference;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

/// A repository as a row names it, for instance `quay.io/coreos/etcd`.
///
/// It keeps the text as written and knows the full name. Equality and hashing
/// go by the full name, so `busybox` equals `docker.io/library/busybox`.
/// Cloning is cheap.
#[derive(Clone)]
pub struct Repository(Arc<Names>);

struct Names {
    written: String,
    host: String,
    path: String,
}

impl Repository {
    /// The text as written, for instance `busybox`.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0.written
    }

    /// The registry's host, in lower case and with its port if it has one;
    /// `docker.io` for Docker Hub.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The path at the host, for instance `library/busybox`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The image that `tag` names in this repository.
    #[must_use]
    pub fn reference(&self, tag: &Tag) -> Reference {
        let (host, path) = (self.host().to_owned(), self.path().to_owned());
        match tag {
            Tag::Name(name) => Reference::with_tag(host, path, name.to_string()),
            Tag::Digest(digest) => Reference::with_digest(host, path, digest.to_string()),
        }
    }
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, path) = name_grammar::normalise(text)?;
        let written = text.to_owned();
        Ok(Self(Arc::new(Names {
            written,
            host,
            path,
        })))
    }
}

impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        // Rows of one mapping share the names that were parsed once.
        Arc::ptr_eq(&self.0, &other.0)
            || (self.path() == other.path() && self.host() == other.host())
    }
}

impl Eq for Repository {}

impl Hash for Repository {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host().hash(state);
        self.path().hash(state);
    }
}

/// The text as written.
impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_written())
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({})", self.as_written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_full_name_decides_about_equality_and_hash() {
        let spellings = [
            "busybox",
            "docker.io/busybox",
            "DOCKER.IO/library/busybox",
            "library/busybox",
        ];
        let names: HashSet<Repository> = spellings.iter().map(|s| s.parse().unwrap()).collect();
        assert_eq!(names.len(), 1);
        let busybox: Repository = "busybox".parse().unwrap();
        for other in ["quay.io/library/busybox", "busybox/busybox"] {
            assert_ne!(busybox, other.parse().unwrap());
        }
    }

    #[test]
    fn references_are_those_of_the_full_name() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let repository: Repository = "busybox".parse().unwrap();
        for (tag, reference) in [
            ("1.36", "docker.io/library/busybox:1.36".to_owned()),
            (
                digest.as_str(),
                format!("docker.io/library/busybox@{digest}"),
            ),
        ] {
            let ours = repository.reference(&tag.parse().unwrap());
            assert_eq!(ours, reference.parse().unwrap());
        }
        assert_eq!(repository.to_string(), "busybox");
    }
}
