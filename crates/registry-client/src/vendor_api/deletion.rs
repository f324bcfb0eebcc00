//! The deletion of tags and manifests through the APIs of vendors, where the registry itself does not delete.

use image_name::{Digest, ManifestReference, Tag};

use super::creation::CreationError;
use super::vendor_cache::VendorCache;
use crate::credentials::Secret;
use crate::error::Error;

/// The API through which tags or manifests are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeletionApi {
    /// Azure Container Registry deletes tags.
    Azure,
    /// Docker Hub deletes tags.
    DockerHub,
    /// Amazon ECR deletes tags and manifests. A manifest goes with its last tag.
    Ecr,
    /// GitHub deletes manifests with all their tags: versions of a package.
    GitHub,
    /// GitLab deletes tags.
    GitLab,
    /// Harbor deletes tags.
    Harbor,
    /// Quay deletes tags.
    Quay,
}

/// A deletion through the API of a vendor.
#[derive(Debug, Clone, Copy)]
pub struct VendorDeletion<'a> {
    /// The tag, or the digest of the manifest.
    pub reference: &'a ManifestReference,
    /// The digest that the tag must have.
    pub digest: &'a Digest,
    /// The tags that may go with the manifest. GitHub deletes a manifest with all its tags.
    pub tags: &'a [Tag],
}

/// The reason why a deletion through an API failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DeletionError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// There are no credentials for the API.
    #[error("no credentials for the API of {} at {host}", .api.vendor())]
    NoCredentials {
        /// The API.
        api: DeletionApi,
        /// The host of the registry.
        host: String,
    },
    /// The API refused the deletion.
    #[error("the API of {} does not delete it: {what}", .api.vendor())]
    Refused {
        /// The API.
        api: DeletionApi,
        /// The reason.
        what: String,
    },
    /// The API deletes a manifest with all its tags, and it has another one.
    #[error("{} deletes the manifest with all its tags, and it also has the tag {tag}", .api.vendor())]
    OtherTag {
        /// The API.
        api: DeletionApi,
        /// The tag, without control characters.
        tag: String,
    },
    /// The keys of AWS cannot be obtained.
    #[error("{what}")]
    Keys {
        /// The reason.
        what: String,
    },
}

impl DeletionApi {
    /// Returns the name of the vendor.
    #[must_use]
    pub fn vendor(self) -> &'static str {
        match self {
            Self::Azure => "Azure Container Registry",
            Self::DockerHub => "Docker Hub",
            Self::Ecr => "Amazon ECR",
            Self::GitHub => "GitHub Packages",
            Self::GitLab => "GitLab",
            Self::Harbor => "Harbor",
            Self::Quay => "Quay",
        }
    }

    /// Returns the name of the method in plans and reports.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Azure => "azure-api",
            Self::DockerHub => "docker-hub-api",
            Self::Ecr => "ecr-api",
            Self::GitHub => "github-packages-api",
            Self::GitLab => "gitlab-api",
            Self::Harbor => "harbor-api",
            Self::Quay => "quay-api",
        }
    }

    /// Returns true if the API deletes tags, or manifests for a digest.
    #[must_use]
    pub fn deletes(self, reference: &ManifestReference) -> bool {
        match reference {
            ManifestReference::Tag(_) => self != Self::GitHub,
            ManifestReference::Digest(_) => matches!(self, Self::Ecr | Self::GitHub),
        }
    }

    /// Returns true if the registry itself is known not to delete a tag, or a manifest for a digest. Quay and
    /// GitLab delete tags by the specification, except in old versions.
    #[must_use]
    pub fn replaces_registry(self, reference: &ManifestReference) -> bool {
        self.deletes(reference) && !matches!(self, Self::Quay | Self::GitLab)
    }
}

impl DeletionError {
    /// Returns the failed request, if one failed.
    #[must_use]
    pub fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Request(error) => Some(error),
            _ => None,
        }
    }

    /// Returns true if the API refused the credentials, or there are none.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Request(error) => error.is_refused(),
            Self::NoCredentials { .. } => true,
            _ => false,
        }
    }
}

impl From<CreationError> for DeletionError {
    fn from(error: CreationError) -> Self {
        match error {
            CreationError::Request(error) => Self::Request(error),
            error => Self::Keys {
                what: error.to_string(),
            },
        }
    }
}

/// The credentials that a deletion needs beside the authorization of its host.
#[derive(Debug)]
pub(crate) struct DeletionLogin<'a> {
    pub(crate) cache: &'a VendorCache,
    /// The user and password for Docker Hub.
    pub(crate) password: Option<(String, Secret)>,
    /// The account of Amazon ECR.
    pub(crate) account: String,
}
