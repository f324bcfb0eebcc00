//! Platforms: `os/architecture[/variant][:os.version]`.
//!
//! Source: image specification, "Image Index", `platform`; the normalization
//! of containerd (`arm64` is `arm64/v8`, `arm` is `arm/v7`).

use image_name::Digest;
use registry_client::{Descriptor, DescriptorPlatform, Error, Repository};

/// Maximum size of an image config in bytes; real ones have a few KiB.
const MAX_CONFIG: u64 = 4 * 1024 * 1024;

/// A platform: operating system, architecture, variant and version of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
    pub(crate) variant: Option<String>,
    pub(crate) os_version: Option<String>,
}

/// An invalid platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid platform \"{text}\": expected os/architecture[/variant][:os.version], such as linux/amd64, linux/arm/v7 or windows/amd64:10.0.20348"
)]
pub struct PlatformError {
    text: String,
}

impl std::str::FromStr for Platform {
    type Err = PlatformError;

    /// Parses a platform. An architecture alone means Linux.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || PlatformError {
            text: text.to_owned(),
        };
        let (name, os_version) = match text.split_once(':') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let parts: Vec<&str> = name.split('/').collect();
        if !parts.iter().copied().chain(os_version).all(is_word) {
            return Err(error());
        }
        let (os, architecture, variant) = match parts[..] {
            [architecture] => ("linux", architecture, None),
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(error()),
        };
        Ok(Self {
            os: os.to_ascii_lowercase(),
            architecture: canonical_architecture(architecture),
            variant: variant.map(str::to_ascii_lowercase),
            os_version: os_version.map(ToOwned::to_owned),
        })
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = &self.os_version {
            write!(f, ":{version}")?;
        }
        Ok(())
    }
}

impl Platform {
    /// Returns the platform of a descriptor, `None` if it has none.
    #[must_use]
    pub fn of(descriptor: &Descriptor) -> Option<Self> {
        Self::from_fields(descriptor.platform()?)
    }

    /// Returns a platform with an architecture. An architecture alone means Linux, as in a selection.
    #[must_use]
    pub fn from_fields(fields: &DescriptorPlatform) -> Option<Self> {
        Some(Self {
            os: fields.os.clone().unwrap_or_else(|| "linux".to_owned()),
            architecture: canonical_architecture(fields.architecture.as_deref()?),
            variant: fields.variant.clone(),
            os_version: fields.os_version.clone(),
        })
    }

    /// Reads the platform from an image config, `None` if it has none.
    pub(crate) async fn read_config(
        repository: &Repository,
        digest: &Digest,
        size: Option<u64>,
    ) -> Result<Option<Self>, Error> {
        let config = repository.image_config(digest, size, MAX_CONFIG).await?;
        Ok(config.platform.as_ref().and_then(Self::from_fields))
    }

    /// Returns true if an image of platform `offered` satisfies this selection.
    ///
    /// Without a variant, the default variant of the architecture is meant. An `os.version`
    /// matches its longer forms (`10.0.20348` matches `10.0.20348.2582`); without one, all match.
    #[must_use]
    pub fn accepts(&self, offered: &Self) -> bool {
        self.os == offered.os
            && self.architecture == offered.architecture
            && self.default_variant() == offered.default_variant()
            && match (&self.os_version, &offered.os_version) {
                (None, _) => true,
                (Some(wanted), Some(version)) => version
                    .strip_prefix(wanted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
                (Some(_), None) => false,
            }
    }

    fn default_variant(&self) -> &str {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("arm64", None) => "v8",
            ("arm", None) => "v7",
            ("amd64", None) => "v1",
            (_, variant) => variant.unwrap_or_default(),
        }
    }

    /// Returns true for the placeholder of attestation manifests (`unknown/unknown`).
    pub(crate) fn is_unknown(&self) -> bool {
        self.os == "unknown" || self.architecture == "unknown"
    }
}

fn canonical_architecture(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x86_64" | "x86-64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn platform_without_variant_means_the_default_variant() {
        let cases = [
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64/v8", "linux/arm64", true),
            ("arm64", "linux/arm64", true),
            ("linux/arm", "linux/arm/v7", true),
            ("linux/arm", "linux/arm/v6", false),
            ("linux/arm/v6", "linux/arm", false),
            ("linux/amd64", "linux/amd64/v3", false),
            ("linux/x86_64", "linux/amd64", true),
            ("windows/amd64", "windows/amd64:10.0.20348.2582", true),
            (
                "windows/amd64:10.0.20348",
                "windows/amd64:10.0.20348.2582",
                true,
            ),
            (
                "windows/amd64:10.0.2",
                "windows/amd64:10.0.20348.2582",
                false,
            ),
            ("linux/amd64", "windows/amd64", false),
        ];
        for (wanted, offered, expected) in cases {
            assert_eq!(
                platform(wanted).accepts(&platform(offered)),
                expected,
                "{wanted} {offered}"
            );
        }
    }

    #[test]
    fn invalid_platforms_are_rejected() {
        for text in ["", "/", "linux/", "a/b/c/d", "linux/amd 64", "linux/amd64:"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
