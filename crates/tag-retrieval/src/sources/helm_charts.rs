//! The retrieval of images from charts, shared by the Helm sources.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use extraction::ProposalRules;
use futures::future::join_all;
use url::Url;

use super::chart_images::ChartImages;
use crate::entry::{Chart, HelmCharts};
use crate::error::RetrievalError;
use crate::helm::{ChartVersion, Helm, RenderedChart, check_chart_directory};
use crate::retrieved::Retrieved;
use crate::source::Upstreams;

/// The location of an entry's charts.
#[derive(Debug, Clone, Copy)]
pub(super) enum ChartLocation<'a> {
    /// A chart repository.
    Repository(&'a Url),
    /// The OCI registries in the names of the charts.
    Registries,
    /// A local directory with one directory for each chart, in a single version.
    Directory(&'a Path),
}

/// Renders the charts and extracts their images. A chart that fails is reported; the images of the
/// others count.
///
/// # Errors
///
/// [`RetrievalError`] if `helm` is missing, the repository cannot be read, or no chart can be rendered.
pub(super) async fn retrieve_charts(
    upstreams: &Upstreams,
    location: ChartLocation<'_>,
    charts: &HelmCharts,
) -> Result<Retrieved, RetrievalError> {
    let helm = &upstreams.helm;
    helm.check().map_err(Arc::new)?;
    if let ChartLocation::Repository(url) = location {
        // A repository that fails is reported once, not for each chart.
        helm.index(url).await?;
    }
    let rules = ProposalRules {
        denylist: charts.denylist.clone(),
        exclude: charts.exclude.clone(),
        own_org: upstreams.own_org.clone(),
        ..ProposalRules::default()
    };
    let mut images = ChartImages::new(&charts.image_paths);
    let additional = &charts.additional_versions;
    let rendering = charts
        .charts
        .iter()
        .map(|chart| render_versions(helm, location, chart, additional));
    let mut any_rendered = false;
    for (name, result) in join_all(rendering).await.into_iter().flatten() {
        match result {
            Ok((chart, rendered)) => {
                any_rendered = true;
                images.add(chart, &name, rendered, &rules);
            }
            Err(failures) => images.add_failures(&name, failures),
        }
    }
    if any_rendered {
        return Ok(images.into_retrieved());
    }
    Err(RetrievalError::Charts {
        failures: images.into_retrieved().failures,
    })
}

/// The name of a chart version for messages, and the chart's name with its rendered text or failures.
type Outcome<'a> = (String, Result<(&'a str, RenderedChart), Vec<String>>);

/// Renders all requested versions of one chart concurrently.
async fn render_versions<'a>(
    helm: &Helm,
    location: ChartLocation<'_>,
    chart: &'a Chart,
    additional: &[String],
) -> Vec<Outcome<'a>> {
    let versions = requested_versions(location, chart, additional);
    let fetching = versions
        .iter()
        .map(|version| fetch(helm, location, chart, version));
    let mut outcomes = Vec::new();
    let mut fetched: Vec<(String, PathBuf)> = Vec::new();
    for (name, path) in join_all(fetching).await {
        match path {
            // Two ranges may lead to the same version, whose package has the same file name.
            Ok(path) if contains_package(&fetched, &path) => {}
            Ok(path) => fetched.push((name, path)),
            Err(failure) => outcomes.push((name, Err(vec![failure]))),
        }
    }
    let rendering = fetched.iter().map(|(_, path)| helm.render(chart, path));
    let rendered = join_all(rendering).await;
    for ((name, _), rendered) in fetched.into_iter().zip(rendered) {
        let rendered = rendered.map(|rendered| (chart.name.as_str(), rendered));
        outcomes.push((name, rendered));
    }
    outcomes
}

fn contains_package(fetched: &[(String, PathBuf)], package: &Path) -> bool {
    let mut paths = fetched.iter().map(|(_, path)| path);
    paths.any(|path| path.file_name() == package.file_name())
}

/// Returns the version of the chart itself, then the additional ones. A directory has one version.
fn requested_versions(
    location: ChartLocation<'_>,
    chart: &Chart,
    additional: &[String],
) -> Vec<ChartVersion> {
    if let ChartLocation::Directory(_) = location {
        return vec![ChartVersion::Latest];
    }
    let mut versions = vec![ChartVersion::from_chart(chart)];
    for range in additional {
        let range = ChartVersion::Range(range.clone());
        if !versions.contains(&range) {
            versions.push(range);
        }
    }
    versions
}

/// Fetches a chart. Returns its name for messages and the path of its package or directory.
async fn fetch(
    helm: &Helm,
    location: ChartLocation<'_>,
    chart: &Chart,
    version: &ChartVersion,
) -> (String, Result<PathBuf, String>) {
    let name = match version {
        ChartVersion::Range(range) => format!("chart {} {range}", chart.name),
        ChartVersion::Latest | ChartVersion::Development => format!("chart {}", chart.name),
    };
    let repository = match location {
        ChartLocation::Repository(url) => Some(url),
        ChartLocation::Registries => None,
        ChartLocation::Directory(directory) => {
            let path = directory.join(&chart.name);
            let checked = check_chart_directory(&path).map_err(|error| error.to_string());
            return (name, checked.map(|()| path));
        }
    };
    let package = helm.package(repository, &chart.name, version).await;
    (name, package.map_err(|error| error.to_string()))
}
