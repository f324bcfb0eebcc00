//! `helm-oci`: charts that are artifacts in registries.

use crate::config::HelmOci;
use crate::error::RetrievalError;
use crate::helm::{Place, retrieve};
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

impl VersionSource for HelmOci {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        retrieve(upstreams, Place::Registries, &self.charts).await
    }
}
