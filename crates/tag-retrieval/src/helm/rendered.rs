//! Everything that a chart says of its images.

use std::path::Path;

use futures::future::join_all;

use super::call::{Call, Load};
use super::error::HelmError;
use super::program::Helm;
use crate::config::{Chart, ChartConfig};

/// What a chart of one version says of its images.
#[derive(Debug)]
pub(super) struct Rendered {
    /// As `Chart.yaml` has it.
    pub(super) version: String,
    /// `Chart.yaml`.
    pub(super) chart_yaml: String,
    /// `values.yaml`.
    pub(super) values: String,
    /// The manifests, for each way to render it that went well: at least one.
    pub(super) manifests: Vec<String>,
    /// What did not: the `chartConfig` and why.
    pub(super) failures: Vec<String>,
}

impl Helm {
    /// Renders the chart in a package or folder in each way that the configuration has, without
    /// network.
    ///
    /// # Errors
    ///
    /// What went wrong, for each way, where none of them went well.
    pub(super) async fn render(&self, chart: &Chart, path: &Path) -> Result<Rendered, Vec<String>> {
        let show = |verb| self.run(Call::new(verb, Load::Processor).operands(&[path.as_os_str()]));
        let ways = if chart.configs.is_empty() {
            vec![None]
        } else {
            chart.configs.iter().map(Some).collect()
        };
        let rendering = join_all(ways.iter().map(|way| self.template(path, *way)));
        let (chart_yaml, values, rendered) =
            tokio::join!(show("show chart"), show("show values"), rendering);
        let mut manifests = Vec::new();
        let mut failures = Vec::new();
        for (way, rendered) in ways.iter().zip(rendered) {
            match rendered {
                Ok(text) => manifests.push(text),
                Err(error) => failures.push(match way {
                    Some(config) => format!("chartConfig {}: {error}", config.name),
                    None => error.to_string(),
                }),
            }
        }
        if manifests.is_empty() {
            return Err(failures);
        }
        let one = |error: HelmError| vec![error.to_string()];
        let chart_yaml = chart_yaml.map_err(one)?;
        Ok(Rendered {
            version: version_in(&chart_yaml).to_owned(),
            values: values.map_err(one)?,
            chart_yaml,
            manifests,
            failures,
        })
    }

    async fn template(&self, path: &Path, way: Option<&ChartConfig>) -> Result<String, HelmError> {
        let mut call = Call::new("template", Load::Processor);
        if let Some(config) = way {
            for value in &config.values {
                call = call.option("set", value);
            }
            if let Some(version) = &config.kube_version {
                call = call.option("kube-version", version);
            }
        }
        self.run(call.operands(&[path.as_os_str()])).await
    }
}

/// Refuses a folder that has no chart: helm would take its path for the name of a repository.
pub(super) fn check_folder(path: &Path) -> Result<(), HelmError> {
    if path.join("Chart.yaml").is_file() {
        return Ok(());
    }
    Err(HelmError::NoChart(path.to_owned()))
}

/// The version in a `Chart.yaml` that helm wrote, where keys of the chart itself are not indented.
fn version_in(chart_yaml: &str) -> &str {
    let version = chart_yaml
        .lines()
        .find_map(|line| line.strip_prefix("version:"));
    let version = version.unwrap_or_default().trim();
    version.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_charts_own() {
        let quoted =
            "apiVersion: v2\ndependencies:\n- name: a\n  version: 9.9.9\nversion: \"1.10\"\n";
        assert_eq!(version_in(quoted), "1.10");
        assert_eq!(version_in("version: v1.4.9+a\r\n"), "v1.4.9+a");
        assert_eq!(version_in("appVersion: 1\n"), "");
    }
}
