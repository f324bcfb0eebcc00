//! A rendered chart.

use std::path::Path;

use extraction::ChartText;
use futures::future::join_all;

use super::chart_files::read_chart_text;
use super::error::HelmError;
use super::helm_command::{HelmCommand, Load};
use super::program::Helm;
use crate::entry::{Chart, ChartConfig};

/// The Kubernetes version for charts without `chartConfig.kubeVersion`.
///
/// helm takes its own default from flags of its build. Without them, as after `go install`, it is 1.20,
/// which many charts refuse. Releases of Kubernetes are supported for 14 months: raise it with them.
pub const DEFAULT_KUBE_VERSION: &str = "1.34.0";

/// One version of a chart, rendered.
#[derive(Debug)]
pub(crate) struct RenderedChart {
    /// The version, from `Chart.yaml`.
    pub(crate) version: String,
    /// The text of `Chart.yaml`.
    pub(crate) chart_yaml: String,
    /// The text of `values.yaml`.
    pub(crate) values: String,
    /// The files of the chart and its subcharts.
    pub(crate) files: ChartText,
    /// The manifests of each `chartConfig` that renders; at least one.
    pub(crate) manifests: Vec<Manifests>,
    /// One failure for each `chartConfig` that does not render.
    pub(crate) failures: Vec<String>,
}

/// The manifests of one `chartConfig`.
#[derive(Debug)]
pub(crate) struct Manifests {
    /// The output of `helm template`.
    pub(crate) text: String,
    /// Images that only `helm test` runs count.
    pub(crate) tests: bool,
}

/// A part of helm's message about a chart that does not support the Kubernetes version.
const REFUSED_KUBE_VERSION: &str = "incompatible with Kubernetes v";

impl Helm {
    /// Renders the chart in a package or directory once for each `chartConfig`, without network.
    ///
    /// # Errors
    ///
    /// The failure of each `chartConfig`, if none renders.
    pub(crate) async fn render(
        &self,
        chart: &Chart,
        path: &Path,
    ) -> Result<RenderedChart, Vec<String>> {
        let show =
            |verb| self.run(HelmCommand::new(verb, Load::Processor).operands(&[path.as_os_str()]));
        let configs = if chart.configs.is_empty() {
            vec![None]
        } else {
            chart.configs.iter().map(Some).collect()
        };
        let rendering = join_all(configs.iter().map(|config| self.template(path, *config)));
        let (chart_yaml, values, rendered) =
            tokio::join!(show("show chart"), show("show values"), rendering);
        let mut manifests = Vec::new();
        let mut failures = Vec::new();
        for (config, rendered) in configs.iter().zip(rendered) {
            match rendered {
                Ok(text) => manifests.push(Manifests {
                    text,
                    tests: config.is_some_and(|config| config.tests),
                }),
                Err(error) => failures.push(match config {
                    Some(config) if !config.name.is_empty() => {
                        format!("chartConfig {}: {error}", config.name)
                    }
                    _ => error.to_string(),
                }),
            }
        }
        if manifests.is_empty() {
            return Err(failures);
        }
        let single = |error: HelmError| vec![error.to_string()];
        let chart_yaml = chart_yaml.map_err(single)?;
        let files = read_chart_text(path).unwrap_or_else(|error| {
            failures.push(format!("cannot read the files of its subcharts: {error}"));
            ChartText::default()
        });
        Ok(RenderedChart {
            version: version_in(&chart_yaml).to_owned(),
            values: values.map_err(single)?,
            files,
            chart_yaml,
            manifests,
            failures,
        })
    }

    async fn template(
        &self,
        path: &Path,
        config: Option<&ChartConfig>,
    ) -> Result<String, HelmError> {
        let mut helm_command = HelmCommand::new("template", Load::Processor);
        if let Some(config) = config {
            // As in helm, `--set` wins over files.
            for file in &config.values_files {
                helm_command = helm_command.option("values", file);
            }
            for value in &config.values {
                helm_command = helm_command.option("set", value);
            }
            for version in &config.api_versions {
                helm_command = helm_command.option("api-versions", version);
            }
            if let Some(namespace) = &config.namespace {
                helm_command = helm_command.option("namespace", namespace);
            }
        }
        let version = config.and_then(|config| config.kube_version.as_deref());
        let version = version.unwrap_or(DEFAULT_KUBE_VERSION);
        let helm_command = helm_command.option("kube-version", version);
        let rendered = self.run(helm_command.operands(&[path.as_os_str()])).await;
        rendered.map_err(|error| match error {
            HelmError::Failed { command, stderr } if stderr.contains(REFUSED_KUBE_VERSION) => {
                HelmError::KubeVersion {
                    command,
                    version: version.to_owned(),
                    stderr,
                }
            }
            error => error,
        })
    }
}

/// Checks that a directory contains a chart. helm would interpret another path as the name of a
/// repository.
///
/// # Errors
///
/// [`HelmError::NoChart`] if it has no `Chart.yaml`.
pub(crate) fn check_chart_directory(path: &Path) -> Result<(), HelmError> {
    if path.join("Chart.yaml").is_file() {
        return Ok(());
    }
    Err(HelmError::NoChart(path.to_owned()))
}

/// Returns the version in a `Chart.yaml` written by helm. Its top-level keys are not indented.
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
    fn version_is_that_of_the_chart_itself() {
        let quoted =
            "apiVersion: v2\ndependencies:\n- name: a\n  version: 9.9.9\nversion: \"1.10\"\n";
        assert_eq!(version_in(quoted), "1.10");
        assert_eq!(version_in("version: v1.4.9+a\r\n"), "v1.4.9+a");
        assert_eq!(version_in("appVersion: 1\n"), "");
    }
}
