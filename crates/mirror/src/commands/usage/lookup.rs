//! Images at the mirror, looked up for `--registry`.

use std::collections::{BTreeSet, HashMap};

use futures::StreamExt;
use image_name::Digest;
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, Content, Manifest, Repository};

use super::row_index::RowIndex;
use crate::registries::image_reader::read_config;
use crate::terminal::hints::{self, Operation};

/// Maximum concurrent look-ups. The client limits the requests to each registry.
const MAX_CONCURRENT: usize = 128;

/// The images at the mirror, by the number of the row.
#[derive(Debug, Default)]
pub(super) struct Lookups(HashMap<usize, Found>);

/// The result of a look-up.
#[derive(Debug)]
pub(super) enum Found {
    /// The image.
    Image(MirrorImage),
    /// The mirror does not have it.
    Missing,
    /// The request failed.
    Failed {
        /// The failure with its hint.
        message: String,
        /// The registry refused the credentials.
        is_refused: bool,
    },
}

/// An image at the mirror.
#[derive(Debug, Default)]
pub(super) struct MirrorImage {
    /// The digest, then those of the images of an index.
    pub(super) digests: Vec<Digest>,
    /// The platforms.
    pub(super) platforms: Vec<String>,
}

impl Lookups {
    /// Reads the manifests of rows at the mirror, each destination once.
    pub(super) async fn read(client: &Client, index: &RowIndex, rows: BTreeSet<usize>) -> Self {
        let found = futures::stream::iter(rows).map(|at| async move {
            let destination = &index.rows[at].run.row.destination;
            (at, look_up(client, destination).await)
        });
        Self(found.buffer_unordered(MAX_CONCURRENT).collect().await)
    }

    /// Returns the result for a row; `None` if it was not looked up.
    pub(super) fn get(&self, row: usize) -> Option<&Found> {
        self.0.get(&row)
    }

    /// Reports whether the mirror does not have the image of a row.
    pub(super) fn is_missing(&self, row: usize) -> bool {
        matches!(self.get(row), Some(Found::Missing))
    }

    /// Returns the failed look-ups in the order of the rows: the row, the message, and whether the
    /// credentials were refused.
    pub(super) fn failures(&self) -> Vec<(usize, &str, bool)> {
        let failed = self.0.iter().filter_map(|(at, found)| match found {
            Found::Failed {
                message,
                is_refused,
            } => Some((*at, message.as_str(), *is_refused)),
            Found::Image(_) | Found::Missing => None,
        });
        let mut failed: Vec<_> = failed.collect();
        failed.sort_unstable();
        failed
    }
}

async fn look_up(client: &Client, destination: &Reference) -> Found {
    match read(client, destination).await {
        Ok(Some(image)) => Found::Image(image),
        Ok(None) => Found::Missing,
        Err(error) => {
            let hint = hints::for_request(Operation::Read, destination, &error);
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            Found::Failed {
                message: format!("{destination}: {error}{hint}"),
                is_refused: error.is_refused(),
            }
        }
    }
}

async fn read(
    client: &Client,
    destination: &Reference,
) -> Result<Option<MirrorImage>, registry_client::Error> {
    let repository = client.destination(destination, Access::Pull)?;
    let reference = registry_client::manifest_reference(destination)?;
    let Some(manifest) = repository.manifest(&reference).await? else {
        return Ok(None);
    };
    Ok(Some(image(&repository, &manifest).await))
}

async fn image(repository: &Repository, manifest: &Manifest) -> MirrorImage {
    let mut image = MirrorImage {
        digests: vec![manifest.digest.clone()],
        platforms: Vec::new(),
    };
    match manifest.content() {
        Ok(Content::Index { manifests, .. }) => {
            for child in manifests {
                // Attestations have the platform unknown/unknown.
                if child.attested().is_some() {
                    continue;
                }
                image.digests.extend(Digest::try_from(child.digest()).ok());
                let platform = child.platform().and_then(copier::Platform::from_fields);
                image
                    .platforms
                    .extend(platform.map(|platform| platform.to_string()));
            }
        }
        Ok(Content::Image {
            config: Some(config),
            ..
        }) => {
            if let Ok(digest) = Digest::try_from(config.digest()) {
                let config = read_config(repository, &digest, config.size()).await;
                image
                    .platforms
                    .extend(config.platform.map(|platform| platform.to_string()));
            }
        }
        // An artifact, or a format that the mirror stores and nothing runs.
        _ => {}
    }
    image
}
