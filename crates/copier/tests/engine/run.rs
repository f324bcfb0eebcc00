//! A run of the engine against embedded registries.

use std::sync::Arc;

use copier::{CompareReport, Options, Progress, Report, Row, RunContext};
use embedded_registry::{Registry, RunningRegistry};
use registry_client::Client;
use tokio_util::sync::CancellationToken;

/// The options and other rows of a run; by default with referrers.
#[derive(Default)]
pub struct Run {
    pub options: Options,
    pub other_rows: Vec<Row>,
}

impl Run {
    pub fn without_referrers(mut self) -> Self {
        self.options.referrers = false;
        self
    }

    pub async fn sync(&self, rows: &[Row]) -> Report {
        self.sync_by(&client(), rows).await
    }

    pub async fn compare(&self, rows: &[Row]) -> CompareReport {
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let context = RunContext {
            client: &client(),
            options: &self.options,
            progress: &progress,
            stop: &stop,
        };
        copier::compare(context, rows).await
    }

    /// Runs with a client that may know its hosts from earlier runs.
    pub async fn sync_by(&self, client: &Client, rows: &[Row]) -> Report {
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let context = RunContext {
            client,
            options: &self.options,
            progress: &progress,
            stop: &stop,
        };
        copier::sync(context, rows, &self.other_rows).await
    }
}

pub fn client() -> Client {
    Client::builder().requests_per_host(64).build()
}

pub fn row(source: &RunningRegistry, image: &str, target: &RunningRegistry, name: &str) -> Row {
    Row::new(
        format!("{}/{image}", source.host()).parse().unwrap(),
        format!("{}/{name}", target.host()).parse().unwrap(),
    )
}

/// Returns the number of requests of a method whose path contains a text.
pub fn count(registry: &RunningRegistry, method: &str, path: &str) -> usize {
    let requests = registry.requests();
    requests
        .iter()
        .filter(|request| request.method == method && request.path.contains(path))
        .count()
}

/// Starts a registry with the referrers API and an access log.
pub async fn registry() -> RunningRegistry {
    Registry::new().access_log(10_000).start().await.unwrap()
}
