//! The creation of repositories through the APIs of vendors.

use image_name::RepositoryPath;

use crate::error::Error;

/// The API through which repositories are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CreationApi {
    /// Amazon ECR creates the repository.
    Ecr,
    /// Harbor creates the project; a push creates the repository in it.
    Harbor,
    /// GitLab creates the project; a push creates the repository in it.
    GitLab,
    /// Quay creates the repository.
    Quay,
}

/// The result of the creation of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// The API has created the repository or project with this path.
    Created(String),
    /// The repository or project existed already.
    Existing,
}

/// The reason why a repository was not created.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CreationError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// There are no credentials for the API.
    #[error("no credentials for the API of {api} at {host}")]
    NoCredentials {
        /// The API.
        api: CreationApi,
        /// The host of the registry.
        host: String,
    },
    /// The API does not support the path of the repository.
    #[error("{what}")]
    Unsupported {
        /// The reason.
        what: String,
    },
    /// The keys of AWS cannot be obtained.
    #[error("cannot read the AWS keys of the container: {what}")]
    Keys {
        /// The reason.
        what: String,
    },
}

impl CreationApi {
    /// Returns the name of the vendor.
    #[must_use]
    pub fn vendor(self) -> &'static str {
        match self {
            Self::Ecr => "Amazon ECR",
            Self::Harbor => "Harbor",
            Self::GitLab => "GitLab",
            Self::Quay => "Quay",
        }
    }

    /// Returns the word for what the API creates.
    #[must_use]
    pub fn creates(self) -> &'static str {
        match self {
            Self::Harbor | Self::GitLab => "project",
            Self::Ecr | Self::Quay => "repository",
        }
    }

    /// Returns the path to create for a repository: its own, or that of its project in Harbor. For GitLab the
    /// own path too, since the project is known only after requests.
    #[must_use]
    pub fn path_to_create(self, repository: &RepositoryPath) -> &str {
        match self {
            Self::Harbor => repository.components().next().unwrap_or_default(),
            Self::Ecr | Self::GitLab | Self::Quay => repository.as_str(),
        }
    }
}

impl std::fmt::Display for CreationApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.vendor())
    }
}

impl CreationError {
    /// Returns the failed request, if one failed.
    #[must_use]
    pub fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Request(error) => Some(error),
            _ => None,
        }
    }

    /// Returns true if the API refused the credentials, or there are none. The repository may still exist and
    /// accept a push.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Request(error) => error.is_refused(),
            Self::NoCredentials { .. } => true,
            _ => false,
        }
    }
}
