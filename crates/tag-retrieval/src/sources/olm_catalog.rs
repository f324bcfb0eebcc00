//! `olm-catalog:REF`: the images of the operators in a file-based catalog.

use extraction::formats::CatalogSelection;
use image_name::ImageName;

use super::found_images::retrieved;
use crate::entry::{EntryParts, ImageRules, SourceKind};
use crate::error::RetrievalError;
use crate::image_sources::{BundleImages, TextOptions};
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// A file-based catalog in a registry.
#[derive(Debug, Clone)]
pub struct OlmCatalog {
    /// The image of the catalog.
    pub image: ImageName,
    /// `packages`: the packages and channels to read; the default channels of all packages without any.
    pub selection: CatalogSelection,
    /// The images that are never proposed.
    pub rules: ImageRules,
}

impl ConfiguredSource for OlmCatalog {
    const KIND: SourceKind = SourceKind {
        name: "olm-catalog",
        argument: Some("REF"),
        required: &[],
        optional: &["packages", "imageDenylist"],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            image: argument.parse()?,
            selection: CatalogSelection {
                packages: parts.packages.clone(),
                all_versions: false,
            },
            rules: parts.into_image_rules(),
        })
    }
}

impl VersionSource for OlmCatalog {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let options = TextOptions {
            catalog: self.selection.clone(),
            ..TextOptions::default()
        };
        let bundle = BundleImages::new(&upstreams.registries, &options);
        let collected = bundle.read(&self.image).await;
        Ok(retrieved(collected, "catalog", (&self.rules, upstreams)))
    }
}
