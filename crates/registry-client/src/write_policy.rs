//! The writes that a client may send.

use std::fmt;

use image_name::{ManifestReference, RepositoryPath};

/// A write to a registry that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<'a> {
    /// The registry's host as in names.
    pub host: &'a str,
    /// The repository that is written to.
    pub repository: &'a RepositoryPath,
    /// The part of the repository that is written.
    pub target: WriteTarget,
}

/// The part of a repository that a write changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteTarget {
    /// A manifest under a tag or under its digest.
    Manifest(ManifestReference),
    /// A blob: its upload in any step, its mount, or the end of an upload that is given up.
    Blob,
}

/// A decision about every write before it is sent.
///
/// A client has none at first ([`ReadOnly`]); [`Client::with_writes`](crate::Client::with_writes)
/// gives it one. The transport asks it for each request that is neither GET nor HEAD, also after
/// redirects, so there is no write around it.
pub trait WritePolicy: fmt::Debug + Send + Sync {
    /// Returns whether the write may be sent.
    fn allows(&self, write: &Write<'_>) -> bool;
}

/// The policy of a client that writes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOnly;

impl WritePolicy for ReadOnly {
    fn allows(&self, _: &Write<'_>) -> bool {
        false
    }
}

impl fmt::Display for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host, repository, ..
        } = self;
        match &self.target {
            WriteTarget::Manifest(ManifestReference::Tag(tag)) => {
                write!(f, "the tag {host}/{repository}:{tag}")
            }
            WriteTarget::Manifest(ManifestReference::Digest(digest)) => {
                write!(f, "the manifest {host}/{repository}@{digest}")
            }
            WriteTarget::Blob => write!(f, "a blob of {host}/{repository}"),
        }
    }
}
