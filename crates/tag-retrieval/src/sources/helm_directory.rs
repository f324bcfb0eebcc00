//! `helm-directory:DIR`: the images of charts in a local directory.

use std::path::PathBuf;

use super::helm_charts::{ChartLocation, retrieve_charts};
use crate::entry::{ChartRules, EntryParts, HelmCharts, SourceKind, check_chart_name};
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The charts of a local directory.
#[derive(Debug, Clone)]
pub struct HelmDirectory {
    /// The directory that contains one directory for each chart.
    pub directory: PathBuf,
    /// The charts to render.
    pub charts: HelmCharts,
}

impl ConfiguredSource for HelmDirectory {
    const KIND: SourceKind = SourceKind {
        name: "helm-directory",
        argument: Some("DIR"),
        required: &["helmCharts"],
        optional: &["imageDenylist", "imagePaths"],
        charts: Some(ChartRules {
            check_name: check_chart_name,
            has_versions: false,
        }),
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            directory: argument.into(),
            charts: parts.into_helm_charts(),
        })
    }
}

impl VersionSource for HelmDirectory {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let location = ChartLocation::Directory(&self.directory);
        retrieve_charts(upstreams, location, &self.charts).await
    }
}
