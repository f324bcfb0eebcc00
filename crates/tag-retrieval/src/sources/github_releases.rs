//! `github-releases`: all releases of a project.

use crate::candidate::{Candidate, Origin};
use crate::config::{GithubProject, GithubReleases};
use crate::error::RetrievalError;
use crate::github::Release;
use crate::retrieved::{Dropped, Retrieved};
use crate::source::{Upstreams, VersionSource};

impl VersionSource for GithubReleases {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let announced = Announced::by(&self.project, upstreams).await?;
        let selection = self.filters.select(announced.candidates, upstreams.now)?;
        let mut retrieved = selection.into_versions();
        retrieved.dropped.splice(0..0, announced.dropped);
        Ok(retrieved)
    }
}

/// The releases of a project, and those that are none yet.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) candidates: Vec<Candidate>,
    /// Drafts and prereleases.
    pub(super) dropped: Vec<Dropped>,
}

impl Announced {
    /// Asks for the releases of a project.
    pub(super) async fn by(
        project: &GithubProject,
        upstreams: &Upstreams,
    ) -> Result<Self, RetrievalError> {
        let releases = upstreams.github.releases(project).await?;
        let mut announced = Self {
            candidates: Vec::new(),
            dropped: Vec::new(),
        };
        for release in releases.iter() {
            let reason = match (release.draft, release.prerelease) {
                (true, _) => "a draft",
                (false, true) => "a prerelease",
                (false, false) => {
                    announced.candidates.push(candidate(project, release));
                    continue;
                }
            };
            announced.dropped.push(Dropped {
                item: release.tag.clone(),
                reason: reason.to_owned(),
            });
        }
        if announced.candidates.is_empty() {
            let what = match announced.dropped.is_empty() {
                true => "has no releases: if it has tags alone, `git-tags` reads them",
                false => "has drafts and prereleases only",
            };
            return Err(RetrievalError::Nothing {
                place: place(project),
                what: what.to_owned(),
            });
        }
        Ok(announced)
    }
}

/// What is said of a release.
pub(super) fn candidate(project: &GithubProject, release: &Release) -> Candidate {
    let origin = Origin::Page {
        title: format!("release {} of {project}", release.tag),
        url: release.html_url.clone(),
    };
    Candidate::new(release.tag.clone(), release.published(), origin)
}

/// How errors name a project.
pub(super) fn place(project: &GithubProject) -> String {
    format!("GitHub repository {project}")
}
