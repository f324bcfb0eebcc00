//! The configuration: where versions are announced.

mod entry;
mod model;

pub use entry::{
    Chart, ChartConfig, EntryImage, GitTags, GithubLatestRelease, GithubProject, GithubReleases,
    GithubTaggedImagesFile, GitlabReleases, HelmCharts, HelmDirectory, HelmLatest, HelmOci,
    RegistryTags,
};
pub use model::{Config, Entry, Source};
