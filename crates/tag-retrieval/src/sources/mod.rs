//! The version sources, each in one file.
//!
//! A new source is a file with a type that implements [`VersionSource`](crate::VersionSource) and
//! `ConfiguredSource`, its `mod` line and its line in `version_sources!`.

#[macro_use]
mod registration;

mod chart_images;
mod found_images;
mod git_tags;
mod github_latest_release;
mod github_releases;
mod github_tagged_images_file;
mod gitlab_releases;
mod helm_charts;
mod helm_directory;
mod helm_latest;
mod helm_oci;
mod image_time;
mod imgpkg;
mod manifests;
mod olm_catalog;
mod registry_tags;

pub use manifests::ManifestsLocation;
pub(crate) use registration::RegisteredSource;
pub use registry_tags::MAX_TIMES_READ;

version_sources! {
    github_releases::GithubReleases,
    github_latest_release::GithubLatestRelease,
    github_tagged_images_file::GithubTaggedImagesFile,
    gitlab_releases::GitlabReleases,
    git_tags::GitTags,
    registry_tags::RegistryTags,
    helm_latest::HelmLatest,
    helm_oci::HelmOci,
    helm_directory::HelmDirectory,
    manifests::Manifests,
    olm_catalog::OlmCatalog,
    imgpkg::Imgpkg,
}
