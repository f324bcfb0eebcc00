//! The copy of the selected rows into the registry that records it.

use std::sync::Arc;

use bundle::base::FarSide;
use bundle::recording::{ImageRecorder, Recorded};
use copier::Options;
use image_name::{ManifestReference, RepositoryName, full_repository};
use oci_spec::distribution::Reference;
use registry_client::{manifest_reference, source_path};

use crate::cli::failure::Failure;
use crate::rows::copying::engine::{CopyRequest, copy_rows};
use crate::rows::copying::run::CopyRun;
use crate::session::Session;

/// The host of the registry that records.
const HOST: &str = "export.invalid";

/// The rows with their outcomes, and the content that was copied.
pub(super) struct RecordedRun {
    pub(super) run: CopyRun,
    pub(super) recorded: Recorded,
}

/// Copies the rows into the recording registry: nothing but manifests is read.
///
/// # Errors
///
/// [`Failure`] if the run cannot start.
pub(super) async fn record(
    session: &Session,
    options: &Options,
    mut request: CopyRequest,
    far_side: &Arc<FarSide>,
) -> Result<RecordedRun, Failure> {
    let client = request.client.clone();
    let recorder = Arc::new(ImageRecorder::new(Arc::clone(far_side)));
    let registry = Arc::clone(&recorder) as Arc<dyn registry_client::InProcessRegistry>;
    let inserted = client.insert_in_process(HOST, registry);
    inserted.map_err(|error| Failure::failed(format!("cannot record the copy: {error}")))?;
    let mut destinations = Vec::with_capacity(request.rows.len());
    for row in &mut request.rows {
        let row = &mut row.row;
        // Nothing is created or described at the destination.
        if row.settings.creation.is_some() || row.settings.description.is_some() {
            let settings = Arc::make_mut(&mut row.settings);
            (settings.creation, settings.description) = (None, None);
        }
        let path = source_path(&row.destination);
        // A row with an invalid name fails by itself.
        if let Ok(name) = repository_of(&row.destination) {
            let sources = client.sources(&row.source).unwrap_or_default();
            recorder.add_repository(path.clone(), name, sources);
        }
        if let Ok(reference) = manifest_reference(&row.destination) {
            let path = path.to_string();
            let recording = match &reference {
                ManifestReference::Tag(tag) => {
                    Reference::with_tag(HOST.to_owned(), path, tag.to_string())
                }
                ManifestReference::Digest(digest) => {
                    Reference::with_digest(HOST.to_owned(), path, digest.to_string())
                }
            };
            destinations.push(std::mem::replace(&mut row.destination, recording));
        } else {
            destinations.push(row.destination.clone());
        }
    }
    request.other_rows.clear();
    let mut run = copy_rows(session, options, request).await?;
    for (copied, destination) in run.rows.iter_mut().zip(destinations) {
        copied.row.row.destination = destination;
    }
    Ok(RecordedRun {
        run,
        recorded: recorder.take(),
    })
}

/// Returns the repository of a reference.
pub(super) fn repository_of(reference: &Reference) -> Result<RepositoryName, Failure> {
    let name = full_repository(reference);
    name.parse()
        .map_err(|error| Failure::failed(format!("{name} is not a repository: {error}")))
}
