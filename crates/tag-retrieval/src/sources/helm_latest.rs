//! `helm-latest:REPO_URL`: charts of a chart repository, each in its latest version.

use crate::config::HelmLatest;
use crate::error::RetrievalError;
use crate::helm::{Place, retrieve};
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

impl VersionSource for HelmLatest {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        retrieve(upstreams, Place::Repository(&self.repository), &self.charts).await
    }
}
