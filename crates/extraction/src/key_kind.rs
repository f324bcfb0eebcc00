//! The classification of YAML keys.

/// Endings of keys with an image.
const IMAGE_ENDINGS: [&str; 3] = ["image", "imagename", "imagereference"];

/// Keys with a container of a workflow (Argo) or a list of them (Tekton).
const STEPS: [&str; 5] = ["container", "script", "steps", "sidecars", "stepTemplate"];

/// The kind of value that a key announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// `image`: the value is an image.
    Image,
    /// A key that ends in `image`, or a variable with `IMAGE` in its name: likely an image.
    LikelyImage,
    /// A key that ends in `images`: likely images, at any depth.
    Images,
    /// `args`, `command` and the like: a command line.
    Arguments,
    /// `containers` and the like: every item has an image.
    Containers,
    /// `container`, `steps` and the like, as in workflows: a container, or a list of containers.
    Steps,
    /// A key spelled like an environment variable.
    Variable,
    /// Any other key.
    Other,
}

impl KeyKind {
    /// Classifies a key.
    pub(crate) fn from_key(key: &str) -> Self {
        let lower = key.to_ascii_lowercase();
        if lower == "image" {
            Self::Image
        } else if lower.ends_with("images") {
            Self::Images
        } else if is_variable(key) && contains_image(key) {
            Self::LikelyImage
        } else if is_upper(key) {
            Self::Variable
        } else if IMAGE_ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
            Self::LikelyImage
        } else if matches!(key, "containers" | "initContainers" | "ephemeralContainers") {
            Self::Containers
        } else if STEPS.contains(&key) {
            Self::Steps
        } else if lower.ends_with("args") || lower.ends_with("command") {
            Self::Arguments
        } else {
            Self::Other
        }
    }
}

/// Returns true if the name of a key or variable contains `image`.
pub(crate) fn contains_image(key: &str) -> bool {
    key.to_ascii_lowercase().contains("image")
}

/// Returns true if a key is spelled like an environment variable. Config maps hold them for `envFrom`.
pub(crate) fn is_variable(key: &str) -> bool {
    key.contains('_') && is_upper(key)
}

fn is_upper(key: &str) -> bool {
    let part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    key.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && key.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_classified() {
        let table = [
            ("image", KeyKind::Image),
            ("IMAGE", KeyKind::Image),
            ("engineImage", KeyKind::LikelyImage),
            ("sidecar.istio.io/proxyImage", KeyKind::LikelyImage),
            ("RELATED_IMAGE_MANAGER", KeyKind::LikelyImage),
            ("imageName", KeyKind::LikelyImage),
            ("dockerImageReference", KeyKind::LikelyImage),
            ("steps", KeyKind::Steps),
            ("AGENT_VERSION", KeyKind::Variable),
            ("initContainers", KeyKind::Containers),
            ("images", KeyKind::Images),
            ("defaultImages", KeyKind::Images),
            ("extraArgs", KeyKind::Arguments),
            ("command", KeyKind::Arguments),
            ("imagePullSecrets", KeyKind::Other),
            ("RELATED_image_x", KeyKind::Other),
            ("IMAGEX", KeyKind::Variable),
            ("PROXY", KeyKind::Variable),
        ];
        for (key, expected) in table {
            assert_eq!(KeyKind::from_key(key), expected, "{key}");
        }
    }
}
