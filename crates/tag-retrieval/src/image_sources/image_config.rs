//! The labels and the history in an image config.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The labels of an image, and the commands that made its layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ImageLabels {
    labels: BTreeMap<String, String>,
    /// The command of each layer that is not empty.
    commands: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    config: Option<Config>,
    history: Option<Vec<History>>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct History {
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

impl ImageLabels {
    /// Parses a config. One that is not that of an image has no labels.
    pub(crate) fn parse(config: &[u8]) -> Self {
        let Ok(document) = serde_json::from_slice::<Document>(config) else {
            return Self::default();
        };
        let history = document.history.unwrap_or_default().into_iter();
        let layers = history.filter(|item| item.empty_layer != Some(true));
        let labels = document.config.and_then(|config| config.labels);
        Self {
            labels: labels.unwrap_or_default(),
            commands: layers
                .map(|item| item.created_by.unwrap_or_default())
                .collect(),
        }
    }

    /// Returns a label.
    pub(crate) fn get(&self, label: &str) -> Option<&str> {
        self.labels.get(label).map(String::as_str)
    }

    /// Returns the indexes of the layers whose command names a directory; none if the history does not
    /// have a command for each of `count` layers.
    pub(crate) fn layers_naming(&self, directory: &str, count: usize) -> Vec<usize> {
        if self.commands.len() != count {
            return Vec::new();
        }
        let commands = self.commands.iter().enumerate();
        let naming = commands.filter(|(_, command)| command.contains(directory));
        naming.map(|(at, _)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_has_labels_and_commands() {
        let config = br#"{"config": {"Labels": {"a": "b"}}, "history": [
            {"created_by": "COPY base /"}, {"created_by": "LABEL a=b", "empty_layer": true},
            {"created_by": "COPY configs /configs"}]}"#;
        let labels = ImageLabels::parse(config);
        assert_eq!((labels.get("a"), labels.get("c")), (Some("b"), None));
        assert_eq!(labels.layers_naming("configs", 2), [1]);
        assert_eq!(labels.layers_naming("configs", 3), [0; 0]);
        for other in [
            "",
            "[]",
            "{}",
            "{\"config\": 1}",
            "{\"config\": {\"Labels\": null}}",
        ] {
            assert_eq!(
                ImageLabels::parse(other.as_bytes()),
                ImageLabels::default(),
                "{other}"
            );
        }
    }
}
