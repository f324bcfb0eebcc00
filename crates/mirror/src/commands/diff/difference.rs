//! The differences between two images.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::{Layer, PlatformContents};

/// A key with different values.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ChangedValue {
    /// The annotation, or the path in the config.
    pub(super) key: String,
    /// The value in A; `null` if A does not have the key.
    pub(super) a: Option<String>,
    /// The value in B; `null` if B does not have the key.
    pub(super) b: Option<String>,
}

/// A platform of at least one of the images.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct PlatformDiff {
    /// Such as `linux/amd64`.
    pub(super) platform: String,
    /// The digest in A; `null` if A does not have the platform.
    pub(super) a: Option<String>,
    /// The digest in B; `null` if B does not have the platform.
    pub(super) b: Option<String>,
    /// The index names the image, and the registry of A or B does not have it.
    pub(super) missing: bool,
    /// The number of layers that both have.
    pub(super) common_layers: usize,
    /// The layers that only A has.
    pub(super) layers_a: Vec<LayerJson>,
    /// The layers that only B has.
    pub(super) layers_b: Vec<LayerJson>,
    /// The values of the configs that differ.
    pub(super) config: Vec<ChangedValue>,
    /// The annotations that differ.
    pub(super) annotations: Vec<ChangedValue>,
}

/// A layer.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct LayerJson {
    pub(super) digest: String,
    /// The size in bytes.
    pub(super) size: u64,
}

impl PlatformDiff {
    /// Compares a platform of A and B. At least one of them has it.
    pub(super) fn new(
        platform: &str,
        a: Option<&PlatformContents>,
        b: Option<&PlatformContents>,
    ) -> Self {
        let none = PlatformContents::default();
        let is_missing = [a, b].into_iter().flatten().any(|side| side.is_missing);
        // A platform of one image only, or one that was not read, has no details.
        let (first, second) = match (a, b) {
            (Some(a), Some(b)) if !is_missing => (a, b),
            _ => (&none, &none),
        };
        let only = |these: &PlatformContents, others: &PlatformContents| {
            let others: BTreeSet<&Layer> = others.layers.iter().collect();
            let only = these.layers.iter().filter(|layer| !others.contains(layer));
            let json = |layer: &Layer| LayerJson {
                digest: layer.digest.clone(),
                size: layer.size,
            };
            only.map(json).collect::<Vec<_>>()
        };
        let layers_a = only(first, second);
        Self {
            platform: platform.to_owned(),
            a: a.map(|side| side.digest.clone()),
            b: b.map(|side| side.digest.clone()),
            missing: is_missing,
            common_layers: first.layers.len() - layers_a.len(),
            layers_a,
            layers_b: only(second, first),
            config: changed(&first.config, &second.config),
            annotations: changed(&first.annotations, &second.annotations),
        }
    }

    /// Reports whether A and B have the same image for the platform.
    pub(super) fn is_same(&self) -> bool {
        self.a == self.b
    }
}

/// Returns the keys with different values, in their order.
pub(super) fn changed(
    a: &BTreeMap<String, String>,
    b: &BTreeMap<String, String>,
) -> Vec<ChangedValue> {
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let different = keys.into_iter().filter(|key| a.get(*key) != b.get(*key));
    different
        .map(|key| ChangedValue {
            key: key.clone(),
            a: a.get(key).cloned(),
            b: b.get(key).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(digest: &str, layers: &[&str], variables: &[(&str, &str)]) -> PlatformContents {
        let layer = |digest: &&str| Layer {
            digest: (*digest).to_owned(),
            size: 1,
        };
        let variable = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        PlatformContents {
            digest: digest.to_owned(),
            layers: layers.iter().map(layer).collect(),
            config: variables.iter().map(variable).collect(),
            ..PlatformContents::default()
        }
    }

    #[test]
    fn layers_and_values_of_one_side_are_listed() {
        let a = contents("1", &["base", "old"], &[("Env.A", "1"), ("Env.B", "2")]);
        let b = contents(
            "2",
            &["base", "new", "more"],
            &[("Env.A", "3"), ("Env.C", "4")],
        );
        let diff = PlatformDiff::new("linux/amd64", Some(&a), Some(&b));
        assert!(!diff.is_same());
        assert_eq!(diff.common_layers, 1);
        let digests = |layers: &[LayerJson]| {
            let digests = layers.iter().map(|layer| layer.digest.clone());
            digests.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(digests(&diff.layers_a), "old");
        assert_eq!(digests(&diff.layers_b), "new more");
        let value = |key: &str, a: Option<&str>, b: Option<&str>| ChangedValue {
            key: key.to_owned(),
            a: a.map(str::to_owned),
            b: b.map(str::to_owned),
        };
        let want = [
            value("Env.A", Some("1"), Some("3")),
            value("Env.B", Some("2"), None),
            value("Env.C", None, Some("4")),
        ];
        assert_eq!(diff.config, want);
    }

    #[test]
    fn platform_of_one_image_has_no_details() {
        let a = contents("1", &["base"], &[("Env.A", "1")]);
        let diff = PlatformDiff::new("linux/amd64", Some(&a), None);
        assert!(!diff.is_same());
        assert_eq!(
            (diff.b, diff.layers_a.len(), diff.config.len()),
            (None, 0, 0)
        );
    }
}
