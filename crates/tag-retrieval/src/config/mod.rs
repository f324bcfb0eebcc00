//! The configuration: where versions are announced.
//!
//! Pure: [`Config::parse`] takes the text. `written` has the file's types, which [`schema`] documents
//! for editors too; `entry` has those that the sources work with.

mod checked;
mod entry;
mod fields;
mod kind;
mod model;
mod names;
mod nearest;
#[cfg(test)]
mod old_documentation_tests;
mod parse;
mod problem;
mod schema;
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
pub use schema::schema;
