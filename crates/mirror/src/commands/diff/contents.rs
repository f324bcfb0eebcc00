//! The contents of an image: what its manifests and configs say.

use std::collections::BTreeMap;

use registry_client::Manifest;
use serde_json::Value;

use crate::registries::named_image::NamedImage;

/// An image, read from its manifests and configs.
#[derive(Debug)]
pub(super) struct ImageContents {
    pub(super) repository: String,
    pub(super) tag: String,
    pub(super) digest: String,
    pub(super) media_type: String,
    /// Annotations of the index, or of the image.
    pub(super) annotations: BTreeMap<String, String>,
    /// By platform. Further images of a platform have a number, such as attestations.
    pub(super) platforms: BTreeMap<String, PlatformContents>,
    /// The number of images in the index that were not read.
    pub(super) more: usize,
}

/// An image of an index, or the image itself.
#[derive(Debug, Default)]
pub(super) struct PlatformContents {
    pub(super) name: String,
    pub(super) digest: String,
    /// The index lists the image, and the registry does not have it.
    pub(super) is_missing: bool,
    pub(super) layers: Vec<Layer>,
    /// The leaves of the config by their paths, such as `config.Env.PATH`.
    pub(super) config: BTreeMap<String, String>,
    /// Annotations of an image in an index.
    pub(super) annotations: BTreeMap<String, String>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Layer {
    pub(super) digest: String,
    pub(super) size: u64,
}

impl ImageContents {
    /// Creates the contents of an image without its platforms.
    pub(super) fn new(image: &NamedImage, manifest: &Manifest, document: &Value) -> Self {
        Self {
            repository: image.repository(),
            tag: image.tag().to_owned(),
            digest: manifest.digest.to_string(),
            media_type: manifest.media_type.clone(),
            annotations: leaves_of(&document["annotations"]),
            platforms: BTreeMap::new(),
            more: 0,
        }
    }

    /// Adds an image of the index, or the image itself.
    pub(super) fn add(&mut self, platform: PlatformContents) {
        let name = platform.name.clone();
        let numbered = (2..).map(|number| format!("{name} #{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let free = names.find(|name| !self.platforms.contains_key(name));
        self.platforms.insert(free.unwrap_or(name), platform);
    }
}

impl PlatformContents {
    /// Creates the contents of an image. Without `platform`, that of its config is used.
    pub(super) fn new(
        manifest: &Manifest,
        document: &Value,
        config: Option<Value>,
        platform: Option<String>,
    ) -> Self {
        let of_config = || config.as_ref().and_then(platform_of);
        let layers = document["layers"].as_array().into_iter().flatten();
        Self {
            name: platform.or_else(of_config).unwrap_or_else(no_platform),
            digest: manifest.digest.to_string(),
            is_missing: false,
            layers: layers
                .map(|layer| Layer {
                    digest: layer["digest"].as_str().unwrap_or_default().to_owned(),
                    size: layer["size"].as_u64().unwrap_or_default(),
                })
                .collect(),
            config: config.as_ref().map(leaves_of).unwrap_or_default(),
            annotations: leaves_of(&document["annotations"]),
        }
    }

    /// Creates the contents of an image that the registry does not have.
    pub(super) fn missing(digest: &str, platform: Option<String>) -> Self {
        Self {
            name: platform.unwrap_or_else(no_platform),
            digest: digest.to_owned(),
            is_missing: true,
            ..Self::default()
        }
    }
}

fn no_platform() -> String {
    "no platform".to_owned()
}

/// Returns the descriptors of an index; none for another manifest.
pub(super) fn children(document: &Value) -> &[Value] {
    document["manifests"].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the platform of a descriptor or a config, such as `linux/arm/v7`.
pub(super) fn platform_of(value: &Value) -> Option<String> {
    let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty());
    let mut platform = format!("{}/{}", text("os")?, text("architecture")?);
    if let Some(variant) = text("variant") {
        platform += &format!("/{variant}");
    }
    if let Some(version) = text("os.version") {
        platform += &format!(":{version}");
    }
    Some(platform)
}

/// Returns the leaves of a JSON value by their paths. Elements `NAME=VALUE` of an array, such as
/// variables, have their name as the last part.
fn leaves_of(value: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    add_leaves("", value, &mut leaves);
    leaves
}

fn add_leaves(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let join = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                add_leaves(&join(key), value, leaves);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let variable = element.as_str().and_then(|text| text.split_once('='));
                match variable.filter(|_| path.ends_with("Env")) {
                    Some((name, value)) => {
                        leaves.insert(join(name), value.to_owned());
                    }
                    None => add_leaves(&join(&index.to_string()), element, leaves),
                }
            }
        }
        Value::Null => {}
        Value::String(text) => {
            leaves.insert(path.to_owned(), text.clone());
        }
        other => {
            leaves.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leaves_have_paths_and_variables_their_names() {
        let config = json!({
            "architecture": "amd64", "config": {"Env": ["PATH=/bin", "A=b=c"], "Cmd": ["sh", "-c"], "User": null},
            "history": [{"empty_layer": true}],
        });
        let leaves: Vec<_> = leaves_of(&config).into_iter().collect();
        let want = [
            ("architecture", "amd64"),
            ("config.Cmd.0", "sh"),
            ("config.Cmd.1", "-c"),
            ("config.Env.A", "b=c"),
            ("config.Env.PATH", "/bin"),
            ("history.0.empty_layer", "true"),
        ];
        let want = want.map(|(path, value)| (path.to_owned(), value.to_owned()));
        assert_eq!(leaves, want);
    }

    #[test]
    fn platform_needs_system_and_architecture() {
        let full =
            json!({"os": "windows", "architecture": "arm", "variant": "v7", "os.version": "10"});
        assert_eq!(platform_of(&full).as_deref(), Some("windows/arm/v7:10"));
        for partial in [
            json!({"os": "linux"}),
            json!({"os": "", "architecture": ""}),
            json!(null),
        ] {
            assert_eq!(platform_of(&partial), None, "{partial}");
        }
    }
}
