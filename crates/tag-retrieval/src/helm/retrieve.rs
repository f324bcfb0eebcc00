//! From the charts of an entry to their images: what all Helm sources do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use extraction::ProposalRules;
use futures::future::join_all;
use url::Url;

use super::images::Images;
use super::packages::Wanted;
use super::program::Helm;
use super::rendered::{Rendered, check_folder};
use crate::config::{Chart, HelmCharts};
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::Upstreams;

/// Where the charts of an entry are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In a chart repository.
    Repository(&'a Url),
    /// In the registries that their names say.
    Registries,
    /// In a folder, each in one of its own: as they are, whatever version is asked for.
    Folder(&'a Path),
}

/// Renders the charts and finds their images. What fails is left out and said, a chart that is
/// rendered in no way together with what it says elsewhere; the rest stands.
///
/// # Errors
///
/// [`RetrievalError`] where there is no helm, no repository, or nothing of any chart could be
/// rendered.
pub(crate) async fn retrieve(
    upstreams: &Upstreams,
    place: Place<'_>,
    charts: &HelmCharts,
) -> Result<Retrieved, RetrievalError> {
    let helm = &upstreams.helm;
    helm.check().map_err(Arc::new)?;
    if let Place::Repository(url) = place {
        // Where it cannot be had, that is to be said once and not for each chart.
        helm.index(url).await?;
    }
    let rules = ProposalRules {
        denylist: charts.denylist.clone(),
        exclude: charts.exclude.clone(),
        own_org: upstreams.own_org.clone(),
    };
    let mut images = Images::default();
    let additional = &charts.additional_versions;
    let of_charts = charts
        .charts
        .iter()
        .map(|chart| of_chart(helm, place, chart, additional));
    let mut any = false;
    for (asked, rendered) in join_all(of_charts).await.into_iter().flatten() {
        match rendered {
            Ok((chart, rendered)) => {
                any = true;
                images.add(chart, &asked, rendered, &rules);
            }
            Err(failures) => images.fail(&asked, failures),
        }
    }
    if any {
        return Ok(images.into_retrieved());
    }
    Err(RetrievalError::Charts {
        failures: images.into_retrieved().failures,
    })
}

/// Of one chart what was asked for, and what came of it.
type Outcome<'a> = (String, Result<(&'a str, Rendered), Vec<String>>);

/// One chart in all its versions, at once.
async fn of_chart<'a>(
    helm: &Helm,
    place: Place<'_>,
    chart: &'a Chart,
    additional: &[String],
) -> Vec<Outcome<'a>> {
    let wanted = wanted(place, chart, additional);
    let obtaining = wanted
        .iter()
        .map(|wanted| obtain(helm, place, chart, wanted));
    let mut outcomes = Vec::new();
    let mut obtained: Vec<(String, PathBuf)> = Vec::new();
    for (asked, path) in join_all(obtaining).await {
        match path {
            // Two ranges may have led to one version, whose package has its name.
            Ok(path) if has(&obtained, &path) => {}
            Ok(path) => obtained.push((asked, path)),
            Err(failure) => outcomes.push((asked, Err(vec![failure]))),
        }
    }
    let rendering = obtained.iter().map(|(_, path)| helm.render(chart, path));
    let rendered = join_all(rendering).await;
    for ((asked, _), rendered) in obtained.into_iter().zip(rendered) {
        let rendered = rendered.map(|rendered| (chart.name.as_str(), rendered));
        outcomes.push((asked, rendered));
    }
    outcomes
}

fn has(obtained: &[(String, PathBuf)], package: &Path) -> bool {
    let mut had = obtained.iter();
    had.any(|(_, had)| had.file_name() == package.file_name())
}

/// The version of the chart itself, then the additional ones. A folder has but one.
fn wanted(place: Place<'_>, chart: &Chart, additional: &[String]) -> Vec<Wanted> {
    if let Place::Folder(_) = place {
        return vec![Wanted::Latest];
    }
    let mut wanted = vec![Wanted::of(chart)];
    for range in additional {
        let range = Wanted::Range(range.clone());
        if !wanted.contains(&range) {
            wanted.push(range);
        }
    }
    wanted
}

/// The package or folder of a chart, with how to speak of it.
async fn obtain(
    helm: &Helm,
    place: Place<'_>,
    chart: &Chart,
    wanted: &Wanted,
) -> (String, Result<PathBuf, String>) {
    let name = &chart.name;
    let asked = match wanted {
        Wanted::Range(range) => format!("chart {name} {range}"),
        Wanted::Latest | Wanted::Development => format!("chart {name}"),
    };
    let repository = match place {
        Place::Repository(url) => Some(url),
        Place::Registries => None,
        Place::Folder(folder) => {
            let path = folder.join(&chart.name);
            let checked = check_folder(&path).map_err(|error| error.to_string());
            return (asked, checked.map(|()| path));
        }
    };
    let package = helm.package(repository, &chart.name, wanted).await;
    (asked, package.map_err(|error| error.to_string()))
}
