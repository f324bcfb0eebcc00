//! The writes that a client may send.

use std::fmt;

use image_name::{ManifestReference, RepositoryPath};

/// A write to a registry that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<'a> {
    /// The registry's host as in image names.
    pub host: &'a str,
    /// The repository.
    pub repository: &'a RepositoryPath,
    /// The part of the repository that changes.
    pub target: WriteTarget,
}

/// The part of a repository that a write changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteTarget {
    /// A manifest under a tag or under its digest.
    Manifest(ManifestReference),
    /// A blob: any step of its upload, its mount, or the deletion of an abandoned upload.
    Blob,
    /// The repository itself, which the vendor's API creates, or the project that holds it.
    Repository,
    /// The description of the repository at the vendor's API.
    Description,
    /// The deletion of a tag, or of a manifest by its digest, at the registry or at the vendor's API.
    Deletion(ManifestReference),
}

/// A policy that allows or rejects each write before it is sent.
///
/// A new client is [`ReadOnly`]; [`Client::with_writes`](crate::Client::with_writes) sets another
/// policy. The transport checks each request that is neither GET nor HEAD, also after redirects, so no
/// write bypasses it.
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
            WriteTarget::Repository => write!(f, "the repository {host}/{repository}"),
            WriteTarget::Description => write!(f, "the description of {host}/{repository}"),
            WriteTarget::Deletion(ManifestReference::Tag(tag)) => {
                write!(f, "the deletion of {host}/{repository}:{tag}")
            }
            WriteTarget::Deletion(ManifestReference::Digest(digest)) => {
                write!(f, "the deletion of {host}/{repository}@{digest}")
            }
        }
    }
}
