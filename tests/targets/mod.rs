//! Rows that go to several registries: `targets.json`, `--targets` and `--target`.

mod adding;
mod check_new;
mod conflicts;
mod narrowing;
mod settings;
mod sync;

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};

use crate::environment::{TestEnvironment, registry_with};

/// A source, three targets at a registry each, and the file that names them.
pub(crate) struct Mirrors {
    pub(crate) source: RunningRegistry,
    pub(crate) hub: RunningRegistry,
    pub(crate) prime: RunningRegistry,
    pub(crate) ecr: RunningRegistry,
    pub(crate) environment: TestEnvironment,
}

impl Mirrors {
    /// Starts registries with these images at the source. `row` returns a line of the list.
    pub(crate) async fn new(images: &[&str]) -> Self {
        let mirrors = Self {
            source: registry_with(images).await,
            hub: registry_with(&[]).await,
            prime: registry_with(&[]).await,
            ecr: registry_with(&[]).await,
            environment: TestEnvironment::new(),
        };
        mirrors.write_targets(|_| {});
        mirrors
    }

    /// Returns the content of the targets file: `hub`, `prime` and `ecr`, and the group `all`.
    pub(crate) fn targets(&self) -> Value {
        json!({
            "targets": {
                "hub": {"prefix": format!("{}/org", self.hub.host())},
                "prime": {"prefix": format!("{}/team/m", self.prime.host())},
                "ecr": {"prefix": self.ecr.host()},
            },
            "groups": {"all": ["hub", "prime", "ecr"]},
        })
    }

    pub(crate) fn write_targets(&self, change: impl FnOnce(&mut Value)) {
        let mut targets = self.targets();
        change(&mut targets);
        self.environment
            .write("targets.json", format!("{targets:#}\n"));
    }

    /// Writes a list of rows `NAME DESTINATION TAG`, with `NAME` at the source.
    pub(crate) fn write_list(&self, rows: &[&str]) -> String {
        let lines = rows
            .iter()
            .map(|row| format!("{}/{row}\n", self.source.host()));
        let list: String = lines.collect();
        self.environment.write("images-list", &list);
        list
    }

    /// Returns the repositories of all targets with their tags, by target.
    pub(crate) fn content(&self) -> [Vec<String>; 3] {
        [&self.hub, &self.prime, &self.ecr].map(|registry| {
            let repositories = registry.repositories();
            let tags = repositories.iter().flat_map(|repository| {
                let tags = registry.tags(repository).into_iter();
                tags.map(move |tag| format!("{repository}:{tag}"))
            });
            tags.collect()
        })
    }

    pub(crate) fn requests_to_targets(&self) -> u64 {
        let targets = [&self.hub, &self.prime, &self.ecr];
        targets.map(RunningRegistry::request_count).iter().sum()
    }
}

/// Returns target and status of each row of a report.
pub(crate) fn outcomes(document: &Value) -> Vec<(&str, &str)> {
    let rows = document["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let target = row["target"].as_str().unwrap_or("-");
        (target, row["status"].as_str().unwrap())
    })
    .collect()
}
