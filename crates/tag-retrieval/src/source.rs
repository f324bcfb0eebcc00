//! What every version source has in common.

use std::future::Future;

use chrono::{DateTime, Utc};

use crate::error::RetrievalError;
use crate::github::Github;
use crate::helm::Helm;
use crate::retrieved::Retrieved;

/// Whom the sources ask, shared by all entries of a run.
#[derive(Debug)]
pub struct Upstreams {
    /// Registries.
    pub registries: registry::Client,
    /// GitHub.
    pub github: Github,
    /// The time of the run.
    pub now: DateTime<Utc>,
    /// Charts.
    pub helm: Helm,
    /// The own organisation, whose images are not proposed: sources of Docker Hub that begin with
    /// it and a `/`.
    pub own_org: String,
}

/// A place where versions are announced.
pub trait VersionSource {
    /// Asks it and filters what it says.
    ///
    /// # Errors
    ///
    /// [`RetrievalError`] where nothing can be said of the entry.
    fn retrieve(
        &self,
        upstreams: &Upstreams,
    ) -> impl Future<Output = Result<Retrieved, RetrievalError>> + Send;
}
