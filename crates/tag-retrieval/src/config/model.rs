//! The configuration as a whole.

use super::entry::{
    GitTags, GithubLatestRelease, GithubReleases, GithubTaggedImagesFile, GitlabReleases,
    HelmDirectory, HelmLatest, HelmOci, RegistryTags,
};

/// A configuration without problems.
#[derive(Debug, Clone)]
pub struct Config {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One product and where its versions are announced.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key, free.
    pub name: String,
    /// The line of the key, counted from 1.
    pub line: usize,
    /// Where to look, and what for.
    pub source: Source,
}

/// `versionSource`, with what that source needs.
#[derive(Debug, Clone)]
pub enum Source {
    /// `github-releases:OWNER/REPO`
    GithubReleases(GithubReleases),
    /// `github-latest-release:OWNER/REPO`
    GithubLatestRelease(GithubLatestRelease),
    /// `github-tagged-images-file:OWNER/REPO`
    GithubTaggedImagesFile(GithubTaggedImagesFile),
    /// `gitlab-releases:HOST/GROUP/PROJECT`
    GitlabReleases(GitlabReleases),
    /// `git-tags:URL`
    GitTags(GitTags),
    /// `registry`
    Registry(RegistryTags),
    /// `helm-latest:REPO_URL`
    HelmLatest(HelmLatest),
    /// `helm-oci`
    HelmOci(HelmOci),
    /// `helm-directory:DIR`
    HelmDirectory(HelmDirectory),
}
