//! One list on several machines.

mod merging;
mod sharing;

use std::collections::BTreeSet;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::TestEnvironment;

/// Destination repositories of two rows each.
pub(crate) const REPOSITORIES: usize = 12;
pub(crate) const SHARDS: usize = 3;

pub(crate) struct Machines {
    pub(crate) source: RunningRegistry,
    pub(crate) target: RunningRegistry,
    pub(crate) environment: TestEnvironment,
}

impl Machines {
    pub(crate) async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let target = Registry::new().access_log(10_000).start().await.unwrap();
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
                    target.host()
                );
            }
        }
        environment.write("images-list", list);
        Self {
            source,
            target,
            environment,
        }
    }

    /// All shards, one after the other; the report of each goes to `N.json`.
    pub(crate) fn sync(&self, options: &str) -> Vec<Value> {
        let shards = 1..=SHARDS;
        let run = |number| {
            let line = format!("sync --shard {number}/{SHARDS} --report {number}.json {options}");
            self.environment.mirror(&line).exits(0);
            serde_json::from_str(&self.environment.read(&format!("{number}.json"))).unwrap()
        };
        shards.map(run).collect()
    }
}

pub(crate) fn rows(report: &Value) -> impl Iterator<Item = (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = report["rows"].as_array().unwrap();
    rows.iter()
        .map(move |row| (text(&row["destination"]), text(&row["tag"])))
}

pub(crate) fn repositories(report: &Value) -> BTreeSet<String> {
    rows(report).map(|(repository, _)| repository).collect()
}
