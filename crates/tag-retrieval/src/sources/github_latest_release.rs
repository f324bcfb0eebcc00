//! `github-latest-release`: the release that a project marks latest.

use super::github_releases::{candidate, place};
use crate::config::GithubLatestRelease;
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

impl VersionSource for GithubLatestRelease {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let latest = upstreams.github.latest_release(&self.project).await?;
        let latest = latest.ok_or_else(|| RetrievalError::Nothing {
            place: place(&self.project),
            what: "has no latest release: if it has prereleases or tags alone, another version \
                   source reads them"
                .to_owned(),
        })?;
        let candidates = vec![candidate(&self.project, &latest)];
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}
