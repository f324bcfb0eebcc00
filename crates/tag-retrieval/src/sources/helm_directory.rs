//! `helm-directory:DIR`: charts in folders, as they are, without network.

use crate::config::HelmDirectory;
use crate::error::RetrievalError;
use crate::helm::{Place, retrieve};
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

impl VersionSource for HelmDirectory {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        retrieve(upstreams, Place::Folder(&self.directory), &self.charts).await
    }
}
