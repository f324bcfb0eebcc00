//! The setup of the helm tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use registry_client::Client;
use tag_retrieval::config::{Chart, ChartConfig, HelmCharts, HelmDirectory, HelmLatest, HelmOci};
use tag_retrieval::github::{Github, GithubOptions};
use tag_retrieval::helm::{Helm, HelmSettings};
use tag_retrieval::{
    Found, Organization, Origin, RetrievalError, Retrieved, Upstreams, VersionSource,
};
use tempfile::TempDir;

/// The upstreams of one run.
pub struct Bench {
    pub upstreams: Upstreams,
    pub scratch: TempDir,
}

pub struct Settings {
    pub program: Option<PathBuf>,
    pub registry_config: Option<PathBuf>,
    pub environment: Vec<(&'static str, &'static str)>,
    pub deadline: Duration,
    pub processes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            program: Some(testkit::program("helm")),
            registry_config: None,
            environment: Vec::new(),
            deadline: Duration::from_secs(120),
            processes: 4,
        }
    }
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let path = [("PATH", "/usr/bin:/bin")].into_iter();
        let environment = path.chain(settings.environment);
        let helm = Helm::new(HelmSettings {
            program: settings.program,
            environment: environment
                .map(|(name, value)| (OsString::from(name), OsString::from(value)))
                .collect(),
            registry_config: settings.registry_config,
            scratch: scratch.path().to_owned(),
            deadline: settings.deadline,
            confiner: None,
            processes: settings.processes,
        });
        let upstreams = Upstreams {
            registries: client(),
            gitlab: None,
            github: Github::new(GithubOptions::default()),
            now: DateTime::UNIX_EPOCH,
            helm: Arc::new(helm),
            git: tag_retrieval::GitSettings::default(),
            tag_lists: Arc::default(),
            own_org: Organization::new("rancher"),
        };
        Self { upstreams, scratch }
    }

    pub async fn latest(
        &self,
        url: &str,
        charts: impl IntoIterator<Item = Chart>,
    ) -> Result<Retrieved, RetrievalError> {
        self.latest_of(url, all(charts)).await
    }

    pub async fn latest_of(
        &self,
        url: &str,
        charts: HelmCharts,
    ) -> Result<Retrieved, RetrievalError> {
        let source = HelmLatest {
            repository: url.parse().unwrap(),
            charts,
        };
        source.retrieve(&self.upstreams).await
    }

    pub async fn oci(
        &self,
        charts: impl IntoIterator<Item = Chart>,
    ) -> Result<Retrieved, RetrievalError> {
        let source = HelmOci {
            charts: all(charts),
        };
        source.retrieve(&self.upstreams).await
    }

    pub async fn directory(
        &self,
        directory: &Path,
        charts: impl IntoIterator<Item = Chart>,
    ) -> Result<Retrieved, RetrievalError> {
        let source = HelmDirectory {
            directory: directory.to_owned(),
            charts: all(charts),
        };
        source.retrieve(&self.upstreams).await
    }
}

fn client() -> Client {
    Client::builder().requests_per_host(4).build()
}

pub fn all(charts: impl IntoIterator<Item = Chart>) -> HelmCharts {
    HelmCharts {
        charts: charts.into_iter().collect(),
        additional_versions: Vec::new(),
        denylist: Vec::new(),
        exclude: None,
        image_paths: Vec::new(),
    }
}

/// Returns the settings of a chart with a name only.
pub fn chart(name: &str) -> Chart {
    Chart {
        name: name.to_owned(),
        devel: false,
        version: None,
        configs: Vec::new(),
    }
}

pub fn config(name: &str, values: &[&str], kube_version: Option<&str>) -> ChartConfig {
    ChartConfig {
        name: name.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        kube_version: kube_version.map(str::to_owned),
        ..ChartConfig::default()
    }
}

/// Returns all images found, as `IMAGE:TAG`.
pub fn images(retrieved: &Retrieved) -> Vec<String> {
    let Found::Images(found) = &retrieved.found else {
        panic!("charts give images: {retrieved:?}");
    };
    found
        .iter()
        .map(|found| format!("{}:{}", found.image, found.tag))
        .collect()
}

/// Returns the version of the chart and the location of an image in it.
pub fn origin(retrieved: &Retrieved, image: &str) -> (String, String) {
    let Found::Images(found) = &retrieved.found else {
        panic!("charts give images: {retrieved:?}");
    };
    let found = found.iter().find(|found| found.image == image);
    match found.map(|found| &found.origin) {
        Some(Origin::Chart {
            version, location, ..
        }) => (version.clone(), location.clone()),
        other => panic!("{image}: {other:?}"),
    }
}
