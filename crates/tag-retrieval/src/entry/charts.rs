//! The images and charts that an entry names.

use std::path::PathBuf;

use extraction::ImagePath;
use regex::Regex;

/// An image that receives the versions of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryImage {
    /// The repository as written, without a tag. Its name is valid.
    pub source: String,
    /// The destination that receives the versions, if the list has several.
    pub destination: Option<String>,
}

/// The settings that all Helm sources share.
#[derive(Debug, Clone)]
pub struct HelmCharts {
    /// `helmCharts`, in file order; at least one.
    pub charts: Vec<Chart>,
    /// `additionalVersionFilter`: ranges of chart versions to read besides the latest.
    pub additional_versions: Vec<String>,
    /// `imageDenylist`: repositories that are never proposed.
    pub denylist: Vec<String>,
    /// `exclude`: a pattern for tags that are never proposed.
    pub exclude: Option<Regex>,
    /// `imagePaths`: further paths to images in manifests and values.
    pub image_paths: Vec<ImagePath>,
}

/// The images that are never proposed.
#[derive(Debug, Clone, Default)]
pub struct ImageRules {
    /// `imageDenylist`: repositories that are never proposed.
    pub denylist: Vec<String>,
    /// `exclude`: a pattern for tags that are never proposed.
    pub exclude: Option<Regex>,
}

/// A chart and the ways to render it.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The name in the repository or directory, or the `oci://` reference.
    pub name: String,
    /// `devel`: whether development versions count.
    pub devel: bool,
    /// `versionFilter`: a Helm version range, such as `v1.4.*`.
    pub version: Option<String>,
    /// `chartConfig`, in file order. The chart is rendered once for each, or once with its defaults if
    /// there is none.
    pub configs: Vec<ChartConfig>,
}

/// One way to render a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartConfig {
    /// The key in `chartConfig`.
    pub name: String,
    /// `values`, each an argument of `--set`.
    pub values: Vec<String>,
    /// `valuesFiles`, each an argument of `--values`.
    pub values_files: Vec<PathBuf>,
    /// `apiVersions`, each an argument of `--api-versions`.
    pub api_versions: Vec<String>,
    /// `namespace`, the argument of `--namespace`.
    pub namespace: Option<String>,
    /// `tests`: images that only `helm test` runs count.
    pub tests: bool,
    /// `kubeVersion`, the argument of `--kube-version`, if not the default
    /// [`DEFAULT_KUBE_VERSION`](crate::helm::DEFAULT_KUBE_VERSION).
    pub kube_version: Option<String>,
}
