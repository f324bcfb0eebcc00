//! One list in several shards, and their merged report.

mod report_merge;
mod sharding;

use std::collections::BTreeSet;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::TestEnvironment;

/// Destination repositories, with two rows each.
pub(crate) const REPOSITORIES: usize = 12;
pub(crate) const SHARDS: usize = 3;

/// Two registries and a list that several shards copy.
pub(crate) struct ShardedMirror {
    pub(crate) source: RunningRegistry,
    pub(crate) destination: RunningRegistry,
    pub(crate) environment: TestEnvironment,
}

impl ShardedMirror {
    pub(crate) async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let destination = Registry::new().access_log(10_000).start().await.unwrap();
        let environment = TestEnvironment::new();
        let mut list = String::new();
        for number in 0..REPOSITORIES {
            for tag in ["1", "2"] {
                let name = format!("image-{number}");
                let seed = number as u64 * 10 + tag.parse::<u64>().unwrap();
                let image = sample_image(&name, seed, &[Platform::linux("amd64")], 2).unwrap();
                image.push(&source, &name, Some(tag));
                list += &format!(
                    "{}/{name} {}/m/{name} {tag}\n",
                    source.host(),
                    destination.host()
                );
            }
        }
        environment.write("images-list", list);
        Self {
            source,
            destination,
            environment,
        }
    }

    /// Runs every shard in turn and returns the reports, which are also in `N.json`.
    pub(crate) fn sync_all(&self, options: &str) -> Vec<Value> {
        let shards = 1..=SHARDS;
        let run = |number| {
            let line = format!("sync --shard {number}/{SHARDS} --report {number}.json {options}");
            self.environment.mirror(&line).exits(0);
            self.environment.read_json(&format!("{number}.json"))
        };
        shards.map(run).collect()
    }
}

/// Returns destination and tag of every row.
pub(crate) fn rows(report: &Value) -> impl Iterator<Item = (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = report["rows"].as_array().unwrap();
    rows.iter()
        .map(move |row| (text(&row["destination"]), text(&row["tag"])))
}

/// Returns the distinct destinations of a report.
pub(crate) fn repositories(report: &Value) -> BTreeSet<String> {
    rows(report).map(|(repository, _)| repository).collect()
}
