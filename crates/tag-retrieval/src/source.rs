//! The traits and the environment that all version sources share.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use extraction::Organization;
use registry_client::TagLists;
use tokio::time::Instant;

use crate::entry::{EntryImage, EntryParts, SourceKind};
use crate::error::RetrievalError;
use crate::git::GitSettings;
use crate::github::Github;
use crate::gitlab::Gitlab;
use crate::helm::Helm;
use crate::retrieved::Retrieved;

/// The clients for upstream services. Clones share connections and results.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// The client for registries.
    pub registries: registry_client::Client,
    /// The client for the GitLab whose token is known.
    pub gitlab: Option<Gitlab>,
    /// The client for GitHub.
    pub github: Github,
    /// The time of the run.
    pub now: DateTime<Utc>,
    /// The `helm` program with the charts it fetched.
    pub helm: Arc<Helm>,
    /// The program git.
    pub git: GitSettings,
    /// The tag lists of registries. Several entries can read the tags of one repository.
    pub tag_lists: Arc<TagLists>,
    /// Your organization at Docker Hub. Its images are not proposed.
    pub own_org: Option<Organization>,
}

impl Upstreams {
    /// Returns the same clients with a deadline. A wait that would exceed it, such as for GitHub's rate
    /// limit, fails at once with the time at which the limit ends.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            github: self.github.until(deadline),
            ..self.clone()
        }
    }
}

/// A source of versions or images.
pub trait VersionSource {
    /// Queries the source and applies the filters of the entry.
    ///
    /// # Errors
    ///
    /// [`RetrievalError`] if the entry has no result.
    fn retrieve(
        &self,
        upstreams: &Upstreams,
    ) -> impl Future<Output = Result<Retrieved, RetrievalError>> + Send;
}

/// A version source that an entry of the configuration can name.
pub(crate) trait ConfiguredSource: VersionSource + Sized {
    /// The name in `versionSource` and the keys of the entry.
    const KIND: SourceKind;

    /// Creates the source from the argument of `versionSource` and the other parts of the entry.
    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError>;

    /// Returns the images that receive the versions: none for a source that announces images.
    fn images(&self) -> &[EntryImage] {
        &[]
    }
}

/// The reason why the argument of a `versionSource` is invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArgumentError(String);

impl<E: std::error::Error> From<E> for ArgumentError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
