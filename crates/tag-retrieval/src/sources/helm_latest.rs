//! `helm-latest:REPO_URL`: the images of charts in a chart repository.

use url::Url;

use super::helm_charts::{ChartLocation, retrieve_charts};
use crate::entry::{ChartRules, EntryParts, HelmCharts, SourceKind, check_chart_name, parse_url};
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The charts of a chart repository.
#[derive(Debug, Clone)]
pub struct HelmLatest {
    /// The URL of the directory with `index.yaml`.
    pub repository: Url,
    /// The charts to render.
    pub charts: HelmCharts,
}

impl ConfiguredSource for HelmLatest {
    const KIND: SourceKind = SourceKind {
        name: "helm-latest",
        argument: Some("REPO_URL"),
        required: &["helmCharts"],
        optional: &["additionalVersionFilter", "imageDenylist", "imagePaths"],
        charts: Some(ChartRules {
            check_name: check_chart_name,
            has_versions: true,
        }),
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            repository: parse_url(argument, &["https", "http"])?,
            charts: parts.into_helm_charts(),
        })
    }
}

impl VersionSource for HelmLatest {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let location = ChartLocation::Repository(&self.repository);
        retrieve_charts(upstreams, location, &self.charts).await
    }
}
