//! A run of the engine against embedded registries.

use std::sync::Arc;

use copier::{Options, Progress, Report, Row};
use embedded_registry::{Registry, RunningRegistry};
use registry_client::Client;
use tokio_util::sync::CancellationToken;

/// A run, by default with referrers and without credentials.
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

    /// With a client that knows its hosts already.
    pub async fn sync_by(&self, client: &Client, rows: &[Row]) -> Report {
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        copier::sync(
            client,
            rows,
            &self.other_rows,
            &self.options,
            &progress,
            &stop,
        )
        .await
    }
}

pub fn client() -> Client {
    Client::builder().requests_per_host(64).build()
}

pub fn row(source: &RunningRegistry, image: &str, target: &RunningRegistry, name: &str) -> Row {
    Row {
        source: format!("{}/{image}", source.host()).parse().unwrap(),
        destination: format!("{}/{name}", target.host()).parse().unwrap(),
        approved: None,
    }
}

/// Requests of a method whose path contains a text.
pub fn count(registry: &RunningRegistry, method: &str, path: &str) -> usize {
    let requests = registry.requests();
    requests
        .iter()
        .filter(|request| request.method == method && request.path.contains(path))
        .count()
}

/// A registry with the referrers API that remembers its requests.
pub async fn registry() -> RunningRegistry {
    Registry::new().access_log(10_000).start().await.unwrap()
}
