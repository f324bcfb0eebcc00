//! The names of the `TAG-ARCH` tags.

use std::collections::HashSet;

use image_name::ARCHITECTURES;

use crate::platform::Platform;

/// Returns the suffix of the `TAG-ARCH` tag of each platform, `None` for a platform without one.
///
/// The suffixes are those of `image-mirror.sh`: `ARCH` for the first variant of an architecture,
/// `ARCHVARIANT` for further ones (`arm`, `armv7`), `ARCH-windows-OSVERSION` for Windows. No
/// suffix is returned twice.
pub(crate) fn arch_tag_suffixes(platforms: &[Option<Platform>]) -> Vec<Option<String>> {
    let mut used: HashSet<String> = HashSet::new();
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
        used.insert(free.clone());
        Some(free)
    };
    platforms
        .iter()
        .map(|platform| platform.as_ref().and_then(&mut suffix))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
