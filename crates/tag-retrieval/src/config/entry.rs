//! What the version sources are told.

use std::fmt;
use std::path::PathBuf;

use regex::Regex;
use url::Url;

use crate::filters::Filters;

/// `OWNER/REPO` at GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GithubProject {
    /// A person or an organisation.
    pub owner: String,
    /// The repository's name.
    pub repository: String,
}

impl fmt::Display for GithubProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.repository)
    }
}

/// An image that gets the versions: a repository without a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryImage {
    /// As the file has it; a valid name of a repository.
    pub source: String,
    /// Which destination gets it, where the list has more than one.
    pub destination: Option<String>,
}

/// All releases.
#[derive(Debug, Clone)]
pub struct GithubReleases {
    /// Whose.
    pub project: GithubProject,
    /// At least one.
    pub images: Vec<EntryImage>,
    /// What to pass over.
    pub filters: Filters,
}

/// The release that is marked latest.
#[derive(Debug, Clone)]
pub struct GithubLatestRelease {
    /// Whose.
    pub project: GithubProject,
    /// At least one.
    pub images: Vec<EntryImage>,
    /// What to pass over.
    pub filters: Filters,
}

/// A file of images, at the tag of every release.
#[derive(Debug, Clone)]
pub struct GithubTaggedImagesFile {
    /// Whose.
    pub project: GithubProject,
    /// `imagesFilePath`, relative to the repository.
    pub path: String,
    /// Which releases to pass over.
    pub filters: Filters,
    /// `imageDenylist`: repositories never proposed.
    pub denylist: Vec<String>,
}

/// All releases of a project at a GitLab.
#[derive(Debug, Clone)]
pub struct GitlabReleases {
    /// With its port, if it has one.
    pub host: String,
    /// `GROUP/PROJECT`, with any number of groups.
    pub project: String,
    /// At least one.
    pub images: Vec<EntryImage>,
    /// What to pass over.
    pub filters: Filters,
}

/// The tags of a git repository.
#[derive(Debug, Clone)]
pub struct GitTags {
    /// `https://…`, or `file://…` for a repository on this machine.
    pub url: Url,
    /// At least one.
    pub images: Vec<EntryImage>,
    /// What to pass over.
    pub filters: Filters,
}

/// The tags of the first image's repository.
#[derive(Debug, Clone)]
pub struct RegistryTags {
    /// At least one; the first is asked, all get its tags.
    pub images: Vec<EntryImage>,
    /// What to pass over.
    pub filters: Filters,
}

/// Charts of a chart repository.
#[derive(Debug, Clone)]
pub struct HelmLatest {
    /// Where its `index.yaml` is.
    pub repository: Url,
    /// Which charts.
    pub charts: HelmCharts,
}

/// Charts of OCI registries.
#[derive(Debug, Clone)]
pub struct HelmOci {
    /// Which; their names begin with `oci://`.
    pub charts: HelmCharts,
}

/// Charts of a folder.
#[derive(Debug, Clone)]
pub struct HelmDirectory {
    /// The folder that has the charts' folders.
    pub directory: PathBuf,
    /// Which charts.
    pub charts: HelmCharts,
}

/// What all Helm sources take.
#[derive(Debug, Clone)]
pub struct HelmCharts {
    /// `helmCharts`, in the order of the file; at least one.
    pub charts: Vec<Chart>,
    /// `additionalVersionFilter`: ranges of chart versions to look at besides the latest.
    pub additional_versions: Vec<String>,
    /// `imageDenylist`: repositories never proposed.
    pub denylist: Vec<String>,
    /// `exclude`: tags never proposed.
    pub exclude: Option<Regex>,
}

/// A chart and how to render it.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Its name in the repository or folder, or its `oci://` reference.
    pub name: String,
    /// `devel`: development versions count too.
    pub devel: bool,
    /// `versionFilter`: a range of Helm's (`v1.4.*`).
    pub version: Option<String>,
    /// `chartConfig`, in the order of the file; the chart is rendered once for each, once plainly
    /// where there is none.
    pub configs: Vec<ChartConfig>,
}

/// One way to render a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartConfig {
    /// The key.
    pub name: String,
    /// `values`, each for one `--set`.
    pub values: Vec<String>,
    /// `kubeVersion`, for `--kube-version`.
    pub kube_version: Option<String>,
}
