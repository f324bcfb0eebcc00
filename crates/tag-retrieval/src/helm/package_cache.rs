//! The cache of fetched charts.

use std::path::PathBuf;
use std::sync::Arc;

use once_map::OnceMap;

use super::error::HelmError;
use crate::entry::Chart;

/// The requested version of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ChartVersion {
    /// The latest release.
    Latest,
    /// The latest version, development versions included.
    Development,
    /// The latest version in a range.
    Range(String),
}

impl ChartVersion {
    /// Returns the version that the settings of a chart request. As in helm, a range overrides `devel`.
    pub(crate) fn from_chart(chart: &Chart) -> Self {
        match (&chart.version, chart.devel) {
            (Some(range), _) => Self::Range(range.clone()),
            (None, true) => Self::Development,
            (None, false) => Self::Latest,
        }
    }
}

/// The key of a package: the URL of its repository if it has one, the chart's name or `oci://`
/// reference, and the version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PackageKey {
    pub(super) repository: Option<String>,
    pub(super) chart: String,
    pub(super) version: ChartVersion,
}

/// The path of a fetched package or index, or the shared failure.
pub(super) type FetchResult = Result<PathBuf, Arc<HelmError>>;

/// The fetched indexes, by repository, and packages. Each is fetched once in a run.
#[derive(Debug, Default)]
pub(super) struct PackageCache {
    pub(super) homes: OnceMap<String, FetchResult>,
    pub(super) packages: OnceMap<PackageKey, FetchResult>,
}
