//! What every version source has in common.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use extraction::Organization;
use tokio::time::Instant;

use crate::error::RetrievalError;
use crate::github::Github;
use crate::helm::Helm;
use crate::retrieved::Retrieved;

/// Whom the sources ask. Clones share what was asked already.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// Registries.
    pub registries: registry_client::Client,
    /// GitHub.
    pub github: Github,
    /// The time of the run.
    pub now: DateTime<Utc>,
    /// Charts.
    pub helm: Arc<Helm>,
    /// Your organization at Docker Hub. Its images are not proposed.
    pub own_org: Option<Organization>,
}

impl Upstreams {
    /// The same for an entry that has time until then: what must be waited for longer is an error at
    /// once that names the time, such as GitHub's rate limit.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            github: self.github.until(deadline),
            ..self.clone()
        }
    }
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
