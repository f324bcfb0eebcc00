//! `github-latest-release`: the release that a project marks as latest.

use super::github_releases::{candidate, location};
use crate::entry::{EntryImage, EntryParts, SourceKind};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::github::GithubProject;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The latest release of a GitHub project.
#[derive(Debug, Clone)]
pub struct GithubLatestRelease {
    /// The project.
    pub project: GithubProject,
    /// The images that receive the version; at least one.
    pub images: Vec<EntryImage>,
    /// The filters for the version.
    pub filters: FilterSet,
}

impl ConfiguredSource for GithubLatestRelease {
    const KIND: SourceKind = SourceKind {
        name: "github-latest-release",
        argument: Some("OWNER/REPO"),
        required: &["images"],
        optional: &[
            "versionExtract",
            "tagTemplate",
            "versionFilter",
            "versionConstraint",
            "minimumAge",
            "latest",
            "follow",
            "maximum",
        ],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            project: argument.parse()?,
            images: parts.images,
            filters: parts.filters,
        })
    }

    fn images(&self) -> &[EntryImage] {
        &self.images
    }
}

impl VersionSource for GithubLatestRelease {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let latest = upstreams.github.latest_release(&self.project).await?;
        let latest = latest.ok_or_else(|| RetrievalError::Empty {
            location: location(&self.project),
            reason: "has no latest release; for prereleases or tags, use another version source"
                .to_owned(),
        })?;
        let candidates = vec![candidate(&self.project, &latest)];
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}
