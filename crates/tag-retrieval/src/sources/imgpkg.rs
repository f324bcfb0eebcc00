//! `imgpkg:REF`: the images of a bundle: of Carvel, of the Operator Lifecycle Manager, or a plain one.

use image_name::ImageName;

use super::found_images::retrieved;
use crate::entry::{EntryParts, ImageRules, SourceKind};
use crate::error::RetrievalError;
use crate::image_sources::{BundleImages, TextOptions};
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// A bundle in a registry.
#[derive(Debug, Clone)]
pub struct Imgpkg {
    /// The image of the bundle.
    pub image: ImageName,
    /// The images that are never proposed.
    pub rules: ImageRules,
}

impl ConfiguredSource for Imgpkg {
    const KIND: SourceKind = SourceKind {
        name: "imgpkg",
        argument: Some("REF"),
        required: &[],
        optional: &["imageDenylist"],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            image: argument.parse()?,
            rules: parts.into_image_rules(),
        })
    }
}

impl VersionSource for Imgpkg {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let options = TextOptions::default();
        let bundle = BundleImages::new(&upstreams.registries, &options);
        let collected = bundle.read(&self.image).await;
        Ok(retrieved(collected, "bundle", (&self.rules, upstreams)))
    }
}
