//! The images of one chart.

use std::path::PathBuf;

use extraction::{ExtractedText, ImagePath, ImagePaths};
use url::Url;

use super::collected::CollectedImages;
use crate::chart_extraction::extract_chart;
use crate::entry::{Chart, ChartConfig};
use crate::helm::{ChartVersion, Helm, RenderedChart, check_chart_directory};

/// A chart to render.
#[derive(Debug, Clone)]
pub struct ChartSource {
    /// The location.
    pub location: ChartLocation,
    /// A version or range, if not the latest. A path has one version.
    pub version: Option<String>,
    /// Development versions count.
    pub devel: bool,
    /// The values and the cluster to render for.
    pub config: ChartConfig,
}

/// The location of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChartLocation {
    /// A directory or package.
    Path {
        /// The absolute path.
        path: PathBuf,
        /// The path as the user wrote it.
        name: String,
    },
    /// A registry: `oci://HOST/PATH/CHART`.
    Registry(String),
    /// A chart repository.
    Repository {
        /// The URL.
        url: Url,
        /// The name of the chart.
        chart: String,
    },
}

impl ChartSource {
    /// Renders the chart with helm and collects its images. A chart that does not render is a problem.
    pub async fn read(&self, helm: &Helm, paths: &[ImagePath]) -> CollectedImages {
        let mut found = CollectedImages::default();
        match self.render(helm).await {
            Ok((name, rendered)) => {
                for failure in &rendered.failures {
                    found.add_problem(&name, failure.as_str());
                }
                let mut paths = ImagePaths::new(paths);
                add_chart(&mut found, &name, extract_chart(&rendered, &mut paths));
                for path in paths.unmatched() {
                    let problem = format!("has no value at the image path `{path}`");
                    found.add_problem(&name, problem);
                }
            }
            Err(failures) => {
                let name = self.name();
                failures
                    .iter()
                    .for_each(|failure| found.add_problem(&name, failure.as_str()));
            }
        }
        found
    }

    /// Renders the chart. Returns it with a name for places.
    async fn render(&self, helm: &Helm) -> Result<(String, RenderedChart), Vec<String>> {
        let one = |error: String| vec![error];
        helm.check().map_err(|error| one(error.to_string()))?;
        let chart = self.chart();
        let version = ChartVersion::from_chart(&chart);
        let path = match &self.location {
            ChartLocation::Path { path, .. } => {
                if path.is_dir() {
                    check_chart_directory(path).map_err(|error| one(error.to_string()))?;
                }
                Ok(path.clone())
            }
            ChartLocation::Registry(reference) => helm.package(None, reference, &version).await,
            ChartLocation::Repository { url, chart } => {
                helm.package(Some(url), chart, &version).await
            }
        };
        let path = path.map_err(|error| one(error.to_string()))?;
        let rendered = helm.render(&chart, &path).await?;
        let name = match &self.location {
            ChartLocation::Path { name, .. } => name.clone(),
            _ => format!("{} ({})", self.name(), rendered.version),
        };
        Ok((name, rendered))
    }

    fn chart(&self) -> Chart {
        Chart {
            name: self.name(),
            devel: self.devel,
            version: self.version.clone(),
            configs: vec![self.config.clone()],
        }
    }

    fn name(&self) -> String {
        match &self.location {
            ChartLocation::Path { name, .. } => name.clone(),
            ChartLocation::Registry(reference) => reference.clone(),
            ChartLocation::Repository { chart, .. } => chart.clone(),
        }
    }
}

/// Adds the images of a chart. Those of its values have the lines of that file.
fn add_chart(found: &mut CollectedImages, name: &str, text: ExtractedText) {
    let values = format!("{name}/values.yaml");
    let first = found.images.len();
    found.add_document(name, text);
    for placed in &mut found.images[first..] {
        if let Some(location) = placed.image.location.strip_prefix("values: ") {
            placed.image.location = location.to_owned();
            placed.file.clone_from(&values);
            placed.has_lines = true;
        }
    }
}
