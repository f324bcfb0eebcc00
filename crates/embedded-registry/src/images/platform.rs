//! The platform of an image.

use serde_json::{Map, Value};

/// An operating system and an architecture, with an optional version and variant (image
/// specification, "Image Index").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
    os_version: Option<String>,
}

impl Platform {
    /// Creates a platform.
    pub fn new(os: &str, architecture: &str) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: None,
            os_version: None,
        }
    }

    /// Creates a Linux platform. Architectures have the names of Go: `amd64`, `arm64`, `arm`,
    /// `s390x`.
    pub fn linux(architecture: &str) -> Self {
        Self::new("linux", architecture)
    }

    /// Creates a Windows platform of a version such as `10.0.20348.2402`.
    pub fn windows(architecture: &str, version: &str) -> Self {
        let mut platform = Self::new("windows", architecture);
        platform.os_version = Some(version.to_owned());
        platform
    }

    /// Creates `unknown/unknown`, the platform of attestations: no runtime selects it.
    pub fn unknown() -> Self {
        Self::new("unknown", "unknown")
    }

    /// Sets the variant of the architecture: `v6`, `v7`, `v8`.
    #[must_use]
    pub fn variant(mut self, variant: &str) -> Self {
        self.variant = Some(variant.to_owned());
        self
    }

    /// Returns the fields that descriptors and configs share.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("architecture", Some(&self.architecture)),
            ("os", Some(&self.os)),
            ("os.version", self.os_version.as_ref()),
            ("variant", self.variant.as_ref()),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?.as_str()))))
            .collect()
    }
}
