//! `helm-oci`: the images of charts in OCI registries.

use super::helm_charts::{ChartLocation, retrieve_charts};
use crate::entry::{ChartRules, EntryParts, HelmCharts, SourceKind, check_oci_chart_name};
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The charts of OCI registries.
#[derive(Debug, Clone)]
pub struct HelmOci {
    /// The charts to render. Their names begin with `oci://`.
    pub charts: HelmCharts,
}

impl ConfiguredSource for HelmOci {
    const KIND: SourceKind = SourceKind {
        name: "helm-oci",
        argument: None,
        required: &["helmCharts"],
        optional: &["additionalVersionFilter", "imageDenylist", "imagePaths"],
        charts: Some(ChartRules {
            check_name: check_oci_chart_name,
            has_versions: true,
        }),
    };

    fn parse(_: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            charts: parts.into_helm_charts(),
        })
    }
}

impl VersionSource for HelmOci {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        retrieve_charts(upstreams, ChartLocation::Registries, &self.charts).await
    }
}
