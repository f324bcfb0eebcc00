//! The configuration: the entries with their version sources.
//!
//! Pure: [`Config::parse`] reads a text and returns entries or problems. [`schema`] describes the
//! file for editors; it is generated from the types that read it.

mod configuration;
#[cfg(test)]
mod documentation_tests;
#[cfg(test)]
mod follow_tests;
mod schema;
mod version_source;

pub use crate::entry::{
    Chart, ChartConfig, ConfigProblem, EntryImage, Follow, HelmCharts, ImageRules, Review,
};
pub use crate::sources::{
    GitTags, GithubLatestRelease, GithubReleases, GithubTaggedImagesFile, GitlabReleases,
    HelmDirectory, HelmLatest, HelmOci, Imgpkg, Manifests, ManifestsLocation, OlmCatalog,
    RegistryTags, Source,
};
pub use configuration::{Config, Entry};
pub use schema::schema;
