//! The plan of the archive from the copied rows.

use std::collections::HashMap;

use bundle::base::FarSide;
use bundle::contents::Contents;
use bundle::plan::{
    ContentHead, DockerPlatform, ExportPlan, PlanError, PlanInput, PlannedImage, UnknownContent,
};
use copier::{Options, PlatformSelection, Status};
use futures::stream::{self, StreamExt};
use image_name::Digest;
use registry_client::{Client, manifest_reference, source_path};

use super::copying::{RecordedRun, repository_of};
use super::list_slice::ListSlice;
use crate::cli::failure::Failure;
use crate::rows::copying::run::CopiedRow;

/// Maximum number of requests for sizes in flight.
const CONCURRENT_REQUESTS: usize = 32;

/// Returns true if the image of a row is exported.
pub(super) fn is_exported(copied: &CopiedRow) -> bool {
    matches!(copied.outcome.status, Status::Copied | Status::Unchanged)
}

/// Plans the archive of the rows that were copied.
///
/// # Errors
///
/// [`Failure`] if the content is incomplete, or cannot be an archive.
pub(super) async fn plan(
    recorded: &RecordedRun,
    (form, slice): (Contents, ListSlice),
    (options, far_side): (&Options, &FarSide),
    client: &Client,
) -> Result<ExportPlan, Failure> {
    let rows = recorded.run.rows.iter().filter(|row| is_exported(row));
    let images = rows.map(|row| planned_image(row, options));
    let images: Vec<PlannedImage> = images.collect::<Result<_, _>>()?;
    let mut heads = HashMap::new();
    loop {
        let input = PlanInput {
            form: form.clone(),
            images: images.clone(),
            recorded: &recorded.recorded,
            far_side,
            heads: &heads,
            platform: docker_platform(options),
            list: slice.list.clone(),
            lock: slice.lock.clone(),
        };
        match ExportPlan::new(input) {
            Ok(mut plan) => {
                add_publishers(&mut plan, client);
                return Ok(plan);
            }
            Err(PlanError::Unknown(unknown)) => {
                let found = request_heads(unknown).await?;
                heads.extend(found);
            }
            Err(error) => {
                let hint = matches!(error, PlanError::SamePath { .. }).then(|| {
                    "export them separately with --match, or use --layout single".to_owned()
                });
                return Err(Failure::failed(format!("cannot plan the archive: {error}")).hint(hint));
            }
        }
    }
}

/// Adds the publishers of foreign layers to the sources of their blobs.
fn add_publishers(plan: &mut ExportPlan, client: &Client) {
    let layers = plan.contents.foreign_layers.iter();
    let layers: Vec<_> = layers.filter(|layer| layer.included).cloned().collect();
    for layer in layers {
        match client.foreign_layer(&layer.digest, &layer.urls) {
            Ok(publisher) => plan.add_source(&layer.digest, publisher),
            // The copy has found it at a registry.
            Err(error) => tracing::debug!("{error}"),
        }
    }
}

fn planned_image(copied: &CopiedRow, options: &Options) -> Result<PlannedImage, Failure> {
    let CopiedRow { row, outcome } = copied;
    let cannot =
        |cause: String| Failure::failed(format!("cannot export {}: {cause}", row.row.source));
    let destination_tag =
        manifest_reference(&row.row.destination).map_err(|error| cannot(error.to_string()))?;
    let source_tag =
        manifest_reference(&row.row.source).map_err(|error| cannot(error.to_string()))?;
    // A pinned row is copied by its digest, and is known by its tag.
    let listed = row.listed.as_ref().map(|listed| listed.row.tag.source());
    let digest = outcome.digest.clone();
    let platforms = row.row.settings.platforms.as_ref();
    let platforms = platforms.or(options.platforms.as_ref());
    Ok(PlannedImage {
        path: source_path(&row.row.destination),
        source: repository_of(&row.row.source)?,
        destination: repository_of(&row.row.destination)?,
        tag: listed.cloned().unwrap_or(source_tag),
        destination_tag,
        digest: digest.ok_or_else(|| cannot("its digest is unknown".to_owned()))?,
        platforms: platforms.map_or_else(Vec::new, platform_names),
        attached: outcome.attached().present.clone(),
    })
}

fn platform_names(selection: &PlatformSelection) -> Vec<String> {
    let platforms = selection.platforms.iter();
    platforms.map(ToString::to_string).collect()
}

/// Returns the platform of `manifest.json`: the first selected one.
fn docker_platform(options: &Options) -> DockerPlatform {
    let selection = options.platforms.as_ref();
    let first = selection.and_then(|selection| selection.platforms.first());
    first.map_or_else(DockerPlatform::default, |platform| {
        let text = platform.to_string();
        let mut parts = text.split(['/', ':']).map(ToOwned::to_owned);
        let default = DockerPlatform::default();
        DockerPlatform {
            os: parts.next().unwrap_or(default.os),
            architecture: parts.next().unwrap_or(default.architecture),
            variant: parts.next().filter(|_| !text.contains(':')),
        }
    })
}

/// Requests sizes and media types that no descriptor has.
async fn request_heads(
    unknown: Vec<UnknownContent>,
) -> Result<Vec<(Digest, ContentHead)>, Failure> {
    let requests = unknown.into_iter().map(|content| async move {
        let mut cause = "no source has it".to_owned();
        for source in &content.sources {
            let head = if content.is_manifest {
                source.head_manifest(&content.digest).await.map(|head| {
                    head.and_then(|head| {
                        Some(ContentHead {
                            media_type: head.media_type.map(|media_type| media_type.to_string()),
                            size: head.size?,
                        })
                    })
                })
            } else {
                let blob = source.blob(content.digest.clone(), None).await;
                blob.map(|blob| {
                    Some(ContentHead {
                        media_type: None,
                        size: blob.size,
                    })
                })
            };
            match head {
                Ok(Some(head)) => return Ok((content.digest, head)),
                Ok(None) => {}
                Err(error) => cause = error.to_string(),
            }
        }
        Err(Failure::failed(format!(
            "cannot find out the size of {}: {cause}",
            content.digest
        )))
    });
    let found: Vec<_> = stream::iter(requests)
        .buffer_unordered(CONCURRENT_REQUESTS)
        .collect()
        .await;
    found.into_iter().collect()
}
