//! The config of an image.

use http::Method;
use image_name::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::descriptor::{DescriptorPlatform, string};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::exact_keys::ExactKeys;
use crate::redact::printable;
use crate::repository::Repository;

/// The fields of an image config that decide anything. Artifacts have configs with none of them, or
/// configs that are not JSON.
///
/// Source: image specification, "Image Configuration".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// The platform, if the config has an OS and an architecture.
    pub platform: Option<DescriptorPlatform>,
    /// The creation time, as it stands there.
    pub created: Option<String>,
}

#[derive(Deserialize)]
struct ConfigFields<'a> {
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    os: Option<&'a RawValue>,
    #[serde(borrow)]
    architecture: Option<&'a RawValue>,
    #[serde(borrow)]
    variant: Option<&'a RawValue>,
    #[serde(borrow, rename = "os.version")]
    os_version: Option<&'a RawValue>,
    #[serde(rename = "os.features")]
    _os_features: Option<IgnoredAny>,
    #[serde(rename = "rootfs")]
    _rootfs: Option<IgnoredAny>,
    #[serde(rename = "config")]
    _config: Option<IgnoredAny>,
    #[serde(rename = "history")]
    _history: Option<IgnoredAny>,
}

impl ImageConfig {
    /// Parses a config. Content that is not a JSON object is a config without fields.
    ///
    /// # Errors
    ///
    /// A message, if keys are there twice or differ from those of the specification only in case.
    pub fn parse(config: &[u8]) -> Result<Self, String> {
        let is_object = config.trim_ascii_start().starts_with(b"{");
        match serde_json::from_slice::<ExactKeys<ConfigFields<'_>>>(config) {
            Ok(ExactKeys(fields)) => Ok(Self::from_fields(&fields)),
            Err(error) if is_object && error.is_data() => Err(printable(&error.to_string(), 400)),
            Err(_) => Ok(Self::default()),
        }
    }

    fn from_fields(fields: &ConfigFields<'_>) -> Self {
        let word = |value| string(value).filter(|word| !word.is_empty());
        let platform = DescriptorPlatform {
            os: word(fields.os),
            architecture: word(fields.architecture),
            variant: word(fields.variant),
            os_version: word(fields.os_version),
        };
        Self {
            platform: platform.architecture.is_some().then_some(platform),
            created: string(fields.created),
        }
    }
}

impl Repository {
    /// Reads the config of an image, at most `limit` bytes, and checks its digest and, if `size` is
    /// given, its size.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::SizeMismatch`], [`Error::DigestMismatch`];
    /// [`Error::Protocol`] for a config that programs read differently; any other [`Error`] of a
    /// request.
    pub async fn image_config(
        &self,
        digest: &Digest,
        size: Option<u64>,
        limit: u64,
    ) -> Result<ImageConfig, Error> {
        let content = self.read_small_blob(digest, size, limit).await?;
        ImageConfig::parse(&content).or_else(|detail| {
            let request = self.request(Method::GET, &Endpoint::Blob(digest.clone()), &[])?;
            let what = format!("the image config is ambiguous: {detail}");
            Err(Error::protocol(&Method::GET, &request.url, what))
        })
    }
}
