//! What a key says of its value.

/// What a key says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// `image`: an image.
    Image,
    /// One that ends in `image`, or a variable with `IMAGE` in its name: likely an image.
    OneImage,
    /// One that ends in `images`: likely images, at any depth.
    Images,
    /// `args`, `command` and the like: a command line.
    Arguments,
    /// Nothing.
    Other,
}

impl Key {
    pub(super) fn of(key: &str) -> Self {
        let lower = key.to_ascii_lowercase();
        if lower == "image" {
            Self::Image
        } else if lower.ends_with("images") {
            Self::Images
        } else if lower.ends_with("image") || is_variable(key) && names_image(key) {
            Self::OneImage
        } else if lower.ends_with("args") || lower.ends_with("command") {
            Self::Arguments
        } else {
            Self::Other
        }
    }
}

/// Whether a key or the name of a variable has `image` in it.
pub(super) fn names_image(key: &str) -> bool {
    key.to_ascii_lowercase().contains("image")
}

/// Whether a key is spelled like an environment variable: config maps hold them for `envFrom`.
fn is_variable(key: &str) -> bool {
    let part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    key.contains('_') && key.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        let table = [
            ("image", Key::Image),
            ("IMAGE", Key::Image),
            ("engineImage", Key::OneImage),
            ("sidecar.istio.io/proxyImage", Key::OneImage),
            ("RELATED_IMAGE_MANAGER", Key::OneImage),
            ("images", Key::Images),
            ("defaultImages", Key::Images),
            ("extraArgs", Key::Arguments),
            ("command", Key::Arguments),
            ("imagePullSecrets", Key::Other),
            ("RELATED_image_x", Key::Other),
            ("IMAGEX", Key::Other),
        ];
        for (key, expected) in table {
            assert_eq!(Key::of(key), expected, "{key}");
        }
    }
}
