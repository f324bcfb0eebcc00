//! Any of the version sources.

use crate::config::{EntryImage, Source};
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

impl VersionSource for Source {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        match self {
            Self::GithubReleases(source) => source.retrieve(upstreams).await,
            Self::GithubLatestRelease(source) => source.retrieve(upstreams).await,
            Self::GithubTaggedImagesFile(source) => source.retrieve(upstreams).await,
            Self::GitlabReleases(source) => source.retrieve(upstreams).await,
            Self::GitTags(source) => source.retrieve(upstreams).await,
            Self::Registry(source) => source.retrieve(upstreams).await,
            Self::HelmLatest(source) => source.retrieve(upstreams).await,
            Self::HelmOci(source) => source.retrieve(upstreams).await,
            Self::HelmDirectory(source) => source.retrieve(upstreams).await,
        }
    }
}

impl Source {
    /// The images that get the versions; none for a source that announces
    /// images.
    #[must_use]
    pub fn images(&self) -> &[EntryImage] {
        match self {
            Self::GithubReleases(source) => &source.images,
            Self::GithubLatestRelease(source) => &source.images,
            Self::GitlabReleases(source) => &source.images,
            Self::GitTags(source) => &source.images,
            Self::Registry(source) => &source.images,
            Self::GithubTaggedImagesFile(_)
            | Self::HelmLatest(_)
            | Self::HelmOci(_)
            | Self::HelmDirectory(_) => &[],
        }
    }
}
