//! A run with short timeouts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use copier::{Options, Progress, Report, Row, RunContext};
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use registry_client::{Client, RetryPolicy, Timeouts};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::registries::{PASSWORD, USER};

/// Returns timeouts for peers that may send nothing for `silence`.
pub fn timeouts(silence: Duration) -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(10),
        first_byte: silence,
        stall: silence,
        commit: silence,
        ..Timeouts::default()
    }
}

/// Returns a policy with fewer attempts and shorter pauses than in a real run.
pub fn retry_policy() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 4,
        max_elapsed: Duration::from_secs(20),
        initial_backoff: Duration::from_millis(30),
        max_wait: Duration::from_secs(2),
    }
}

/// Returns a client with an auth file for these hosts.
pub fn client(timeouts: Timeouts, directory: &Path, hosts: &[String]) -> Client {
    let auth = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let entries = hosts
        .iter()
        .map(|host| (host.clone(), json!({"auth": auth})));
    let auths: serde_json::Map<String, Value> = entries.collect();
    let file = directory.join("auth.json");
    std::fs::write(&file, json!({"auths": auths}).to_string()).unwrap();
    let sources = CredentialSources {
        files: vec![CredentialFile::required(file)],
        helpers: Helpers::new(""),
    };
    Client::builder()
        .credentials(CredentialStore::new(sources))
        .timeouts(timeouts)
        .retry_policy(retry_policy())
        .build()
}

/// Runs rows.
pub async fn sync(client: &Client, rows: &[Row]) -> Report {
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let context = RunContext {
        client,
        options: &Options::default(),
        progress: &progress,
        stop: &stop,
    };
    copier::sync(context, rows, &[]).await
}

/// Returns a row from `source/NAME:1` at one host to `TARGET/NAME:1` at another.
pub fn row(from: &str, name: &str, to: &str, target: &str) -> Row {
    Row::new(
        format!("{from}/source/{name}:1").parse().unwrap(),
        format!("{to}/{target}/{name}:1").parse().unwrap(),
    )
}
