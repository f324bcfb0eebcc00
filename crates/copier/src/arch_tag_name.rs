//! The names of the `TAG-ARCH` tags.

use image_name::Tag;

use crate::platform::Platform;

/// The architectures that get a `TAG-ARCH` tag.
const ARCHITECTURES: [&str; 4] = ["amd64", "arm64", "arm", "s390x"];

/// Returns the suffix of the `TAG-ARCH` tag of each platform, `None` for a platform without one.
///
/// The suffixes are those of `image-mirror.sh`: `ARCH` for the first variant of an architecture,
/// `ARCHVARIANT` for further ones (`arm`, `armv7`), `ARCH-windows-OSVERSION` for Windows. No
/// suffix is returned twice.
pub(crate) fn arch_tag_suffixes(platforms: &[Option<Platform>]) -> Vec<Option<String>> {
    let mut used: Vec<String> = Vec::new();
    let mut suffix = |platform: &Platform| {
        if !ARCHITECTURES.contains(&platform.architecture.as_str()) {
            return None;
        }
        let architecture = &platform.architecture;
        let candidates = match platform.os.as_str() {
            "linux" => {
                let variant = platform.variant.as_deref().unwrap_or_default();
                vec![architecture.clone(), format!("{architecture}{variant}")]
            }
            "windows" => vec![format!(
                "{architecture}-windows-{}",
                platform.os_version.as_ref()?
            )],
            _ => return None,
        };
        let free = candidates
            .into_iter()
            .find(|candidate| !used.contains(candidate))?;
        used.push(free.clone());
        Some(free)
    };
    platforms
        .iter()
        .map(|platform| platform.as_ref().and_then(&mut suffix))
        .collect()
}

/// Returns the tag `TAG-SUFFIX`, `None` for an invalid suffix. Suffixes come from an index of a
/// registry, so they are not trusted.
pub(crate) fn arch_tag(tag: &Tag, suffix: &str) -> Option<Tag> {
    let text = is_arch_suffix(suffix).then(|| format!("{tag}-{suffix}"))?;
    text.parse().ok()
}

/// Returns true for a `TAG-ARCH` tag beside `base`.
pub(crate) fn is_arch_tag(tag: &Tag, base: &Tag) -> bool {
    let rest = tag.as_str().strip_prefix(base.as_str());
    let suffix = rest.and_then(|rest| rest.strip_prefix('-'));
    suffix.is_some_and(is_arch_suffix)
}

/// Returns true for `ARCH`, `ARCHVARIANT` and `ARCH-windows-VERSION`.
fn is_arch_suffix(suffix: &str) -> bool {
    let is_word = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
    };
    ARCHITECTURES.iter().any(|architecture| {
        let Some(rest) = suffix.strip_prefix(architecture) else {
            return false;
        };
        match rest.strip_prefix("-windows-") {
            Some(version) => !version.is_empty() && is_word(version),
            None => is_word(rest),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arch_tag_rejects_suffixes_that_are_not_platforms() {
        let tag: Tag = "v1".parse().unwrap();
        let long = format!("amd64{}", "x".repeat(128));
        let cases = [
            ("amd64", true),
            ("armv7", true),
            ("arm64v8.1", true),
            ("amd64-windows-10.0.17763.1", true),
            ("amd64-windows-", false),
            ("amd64-windows-1-x", false),
            ("amd64-x", false),
            ("amd64/../../../api/v2.0/users", false),
            (
                "amd64-windows-/../../../../victim/app/manifests/prod",
                false,
            ),
            ("amd64?x", false),
            ("amd64%2f", false),
            ("riscv64", false),
            ("", false),
            (&long, false),
        ];
        for (suffix, expected) in cases {
            let made = arch_tag(&tag, suffix);
            assert_eq!(made.is_some(), expected, "{suffix}");
            assert!(made.is_none_or(|made| is_arch_tag(&made, &tag)), "{suffix}");
        }
        for other in ["v1", "v2-amd64", "v10-amd64", "v1-prod", "v1amd64"] {
            assert!(!is_arch_tag(&other.parse().unwrap(), &tag), "{other}");
        }
    }

    #[test]
    fn suffixes_are_those_of_image_mirror_sh() {
        let platforms = [
            "linux/amd64",
            "linux/arm/v6",
            "linux/arm/v7",
            "linux/arm64/v8",
            "linux/ppc64le",
            "linux/s390x",
            "windows/amd64:10.0.17763.1",
            "linux/amd64",
        ];
        let platforms: Vec<Option<Platform>> = platforms
            .iter()
            .map(|text| Some(text.parse().unwrap()))
            .chain([None])
            .collect();
        let suffixes = arch_tag_suffixes(&platforms);
        let expected = [
            Some("amd64"),
            Some("arm"),
            Some("armv7"),
            Some("arm64"),
            None,
            Some("s390x"),
            Some("amd64-windows-10.0.17763.1"),
            None,
            None,
        ];
        assert_eq!(
            suffixes.iter().map(Option::as_deref).collect::<Vec<_>>(),
            expected
        );
    }
}
