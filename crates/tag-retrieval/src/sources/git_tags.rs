//! `git-tags`: the tags of a git repository.

use registry_client::redacted_url;
use url::Url;

use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind, parse_url};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::git::{GitError, list_tags};
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The tags of a git repository.
#[derive(Debug, Clone)]
pub struct GitTags {
    /// The URL: `https://…`, `http://…`, or `file://…` for a local repository.
    pub url: Url,
    /// The images that receive the versions; at least one.
    pub images: Vec<EntryImage>,
    /// The filters for the versions.
    pub filters: FilterSet,
}

impl ConfiguredSource for GitTags {
    const KIND: SourceKind = SourceKind {
        name: "git-tags",
        argument: Some("URL"),
        required: &["images"],
        // No `minimumAge`: lightweight tags have no time.
        optional: &[
            "versionExtract",
            "tagTemplate",
            "versionFilter",
            "versionConstraint",
            "latest",
            "follow",
            "maximum",
        ],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            url: parse_url(argument, &["https", "http", "file"])?,
            images: parts.images,
            filters: parts.filters,
        })
    }

    fn images(&self) -> &[EntryImage] {
        &self.images
    }
}

impl From<GitError> for RetrievalError {
    fn from(error: GitError) -> Self {
        Self::Source(Box::new(error))
    }
}

impl VersionSource for GitTags {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let location = redacted_url(&self.url);
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return Err(GitError::Query { url: location }.into());
        }
        let tags = list_tags(&upstreams.git, &self.url, &location).await?;
        let candidates = tags.iter().map(|tag| candidate(&location, tag));
        let candidates: Vec<_> = candidates.collect();
        if candidates.is_empty() {
            return Err(RetrievalError::Empty {
                location,
                reason: "has no tags".to_owned(),
            });
        }
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}

fn candidate(repository: &str, tag: &str) -> Candidate {
    let origin = Origin::Page {
        title: format!("tag {tag} of {repository}"),
        url: repository.to_owned(),
    };
    Candidate::new(tag, None, origin)
}
