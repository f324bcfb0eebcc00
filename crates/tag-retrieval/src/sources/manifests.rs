//! `manifests:URL|PATH`: the images of manifests, compose files and other texts.

use std::path::PathBuf;

use extraction::ImagePath;
use url::Url;

use super::found_images::retrieved;
use crate::entry::{EntryParts, ImageRules, SourceKind, parse_url};
use crate::error::RetrievalError;
use crate::image_sources::{CollectedImages, TextFiles, TextOptions, read_url};
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// The images of texts.
#[derive(Debug, Clone)]
pub struct Manifests {
    /// The location of the texts.
    pub location: ManifestsLocation,
    /// The images that are never proposed.
    pub rules: ImageRules,
    /// `imagePaths`: further paths to images.
    pub image_paths: Vec<ImagePath>,
}

/// The location of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestsLocation {
    /// A file on a web server.
    Url(Url),
    /// A file or directory.
    Path(PathBuf),
}

impl ConfiguredSource for Manifests {
    const KIND: SourceKind = SourceKind {
        name: "manifests",
        argument: Some("URL|PATH"),
        required: &[],
        optional: &["imageDenylist", "imagePaths"],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        let location = match argument.contains("://") {
            true => ManifestsLocation::Url(parse_url(argument, &["https", "http"])?),
            false => ManifestsLocation::Path(argument.into()),
        };
        Ok(Self {
            location,
            image_paths: parts.image_paths.clone(),
            rules: parts.into_image_rules(),
        })
    }
}

impl VersionSource for Manifests {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let options = TextOptions {
            image_paths: self.image_paths.clone(),
            ..TextOptions::default()
        };
        let collected = match &self.location {
            ManifestsLocation::Url(url) => read_url(&upstreams.registries, url, &options).await,
            ManifestsLocation::Path(path) => read_path(path.clone(), options).await,
        };
        Ok(retrieved(collected, "files", (&self.rules, upstreams)))
    }
}

/// Reads files on a thread that may block. Charts below a directory are noted: they have version sources of
/// their own.
async fn read_path(path: PathBuf, options: TextOptions) -> CollectedImages {
    let reading = tokio::task::spawn_blocking(move || {
        let mut files = TextFiles::new(&options);
        files.read(&path);
        let read = files.finish();
        let mut found = read.found;
        found.notes.extend(read.charts.iter().map(|chart| {
            let chart = chart.display();
            format!("{chart} is a chart and was not read: use `helm-directory`")
        }));
        found
    });
    reading.await.unwrap_or_else(|error| CollectedImages {
        problems: vec![error.to_string().into()],
        ..CollectedImages::default()
    })
}
