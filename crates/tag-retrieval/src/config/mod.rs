//! The configuration: where versions are announced.

mod checked;
mod entry;
mod fields;
mod kind;
mod model;
mod names;
mod nearest;
mod parse;
mod problem;
mod syntax;
mod values;
mod written;

pub use entry::{
    Chart, ChartConfig, EntryImage, GitTags, GithubLatestRelease, GithubProject, GithubReleases,
    GithubTaggedImagesFile, GitlabReleases, HelmCharts, HelmDirectory, HelmLatest, HelmOci,
    RegistryTags,
};
pub use model::{Config, Entry, Source};
pub use problem::ConfigProblem;
