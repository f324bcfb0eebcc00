//! Followed entries in `sync`, `compare`, `expand` and other commands.

mod expand;
mod failures;
mod locks;
mod selection;
mod sync;

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::processes::{Distribution, RegistryProcess};

use crate::environment::{TestEnvironment, registry_with};

/// A source, an empty destination, an empty list, and a configuration with one followed entry `app`.
pub(crate) struct FollowedMirror {
    pub(crate) source: RunningRegistry,
    pub(crate) destination: RegistryProcess,
    pub(crate) environment: TestEnvironment,
}

impl FollowedMirror {
    /// Starts the registries. The source has the images; the entry follows `app` with more keys.
    pub(crate) async fn new(images: &[&str], keys: Value) -> Self {
        let source = registry_with(images).await;
        let destination = Distribution::new().start().await;
        let mirror = Self {
            source,
            destination,
            environment: TestEnvironment::new(),
        };
        mirror.environment.write("images-list", "");
        mirror.configure(&json!({"app": mirror.entry("app", keys)}));
        mirror
    }

    /// Returns an entry that follows a repository of the source.
    pub(crate) fn entry(&self, repository: &str, keys: Value) -> Value {
        let mut entry = json!({
            "images": [{
                "source": format!("{}/{repository}", self.source.host()),
                "destination": format!("{}/m/{repository}", self.destination.host()),
            }],
            "versionSource": "registry",
            "follow": true,
        });
        for (key, value) in keys.as_object().unwrap() {
            entry[key] = value.clone();
        }
        entry
    }

    pub(crate) fn configure(&self, config: &Value) {
        self.environment.write("config.json", format!("{config:#}"));
    }

    /// Returns the row of a tag as a line of a list.
    pub(crate) fn row(&self, repository: &str, tag: &str) -> String {
        let (source, destination) = (self.source.host(), self.destination.host());
        format!("{source}/{repository} {destination}/m/{repository} {tag}")
    }

    /// Returns the tags of a repository at the destination.
    pub(crate) fn tags(&self, repository: &str) -> Vec<String> {
        let line = format!("tags {}/m/{repository}", self.destination.host());
        let output = self.environment.mirror(&line);
        output.stdout.lines().map(str::to_owned).collect()
    }

    /// Returns `TAG STATUS` of the rows of a document.
    pub(crate) fn statuses(document: &Value) -> Vec<String> {
        let rows = document["rows"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.map(|row| format!("{} {}", text(&row["tag"]), text(&row["status"])))
            .collect()
    }
}
