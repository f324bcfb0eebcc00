//! `github-releases`: the releases of a project.

use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::github::{GithubProject, Release};
use crate::retrieved::{Dropped, Retrieved};
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The releases of a GitHub project.
#[derive(Debug, Clone)]
pub struct GithubReleases {
    /// The project.
    pub project: GithubProject,
    /// The images that receive the versions; at least one.
    pub images: Vec<EntryImage>,
    /// The filters for the versions.
    pub filters: FilterSet,
}

impl ConfiguredSource for GithubReleases {
    const KIND: SourceKind = SourceKind {
        name: "github-releases",
        argument: Some("OWNER/REPO"),
        required: &["images"],
        optional: &[
            "versionExtract",
            "tagTemplate",
            "versionFilter",
            "versionConstraint",
            "minimumAge",
            "latest",
            "latestBy",
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

impl VersionSource for GithubReleases {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let published = PublishedReleases::fetch(&self.project, upstreams).await?;
        let selection = self.filters.select(published.candidates, upstreams.now)?;
        let mut retrieved = selection.into_versions();
        retrieved.dropped.splice(0..0, published.dropped);
        Ok(retrieved)
    }
}

/// The published releases of a project.
#[derive(Debug)]
pub(super) struct PublishedReleases {
    pub(super) candidates: Vec<Candidate>,
    /// Drafts and prereleases.
    pub(super) dropped: Vec<Dropped>,
}

impl PublishedReleases {
    /// Fetches the releases of a project.
    pub(super) async fn fetch(
        project: &GithubProject,
        upstreams: &Upstreams,
    ) -> Result<Self, RetrievalError> {
        let releases = upstreams.github.releases(project).await?;
        let mut published = Self {
            candidates: Vec::new(),
            dropped: Vec::new(),
        };
        for release in releases.iter() {
            let reason = match (release.draft, release.prerelease) {
                (true, _) => "a draft",
                (false, true) => "a prerelease",
                (false, false) => {
                    published.candidates.push(candidate(project, release));
                    continue;
                }
            };
            published.dropped.push(Dropped {
                item: release.tag.clone(),
                reason: reason.to_owned(),
            });
        }
        if published.candidates.is_empty() {
            let reason = match published.dropped.is_empty() {
                true => "has no releases; for tags, use `git-tags`",
                false => "has drafts and prereleases only",
            };
            return Err(RetrievalError::Empty {
                location: location(project),
                reason: reason.to_owned(),
            });
        }
        Ok(published)
    }
}

/// Converts a release into a candidate.
pub(super) fn candidate(project: &GithubProject, release: &Release) -> Candidate {
    let origin = Origin::Page {
        title: format!("release {} of {project}", release.tag),
        url: release.html_url.clone(),
    };
    Candidate::new(release.tag.clone(), release.published(), origin)
}

/// Returns the name of a project for errors.
pub(super) fn location(project: &GithubProject) -> String {
    format!("GitHub repository {project}")
}
