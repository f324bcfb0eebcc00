//! Running `mirror copy`.

use std::sync::Arc;

use bundle::image_files::DestinationFile;
use copier::{MovedTag, Outcome, Row, RowError, Status};
use image_name::{ImageName, ManifestReference};
use oci_spec::distribution::Reference;
use registry_client::LocalError;

use super::args::CopyArgs;
use super::run::{publish_run, run_copy};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::image_argument::ImageArgument;
use crate::files::list_file;
use crate::registries::client;
use crate::registries::image_files::{OpenSource, open_destination, open_source};
use crate::registries::named_image::NamedImage;
use crate::registries::signature_check::SignatureCheck;
use crate::rows::copying::engine::CopyRequest;
use crate::rows::copying::run::CopyRun;
use crate::rows::selection::{RowNames, RunRow};
use crate::session::Session;

const TITLE: &str = "mirror copy";

/// Runs `mirror copy`: copies one image.
///
/// # Errors
///
/// [`Failure`] if the run cannot start.
pub(crate) async fn copy(session: &Session, args: &CopyArgs) -> Result<Exit, Failure> {
    args.copying.report.begin()?;
    if let (ImageArgument::File(source), ImageArgument::File(destination)) =
        (&args.source, &args.destination)
        && source == destination
    {
        return Err(
            Failure::unusable(format!("the source and the destination are both {source}"))
                .hint("name another destination".to_owned()),
        );
    }
    let limits = args.copying.limits();
    let lists = list_file::paths(&session.common.images_list, None);
    let signatures = SignatureCheck::read(session, &lists)?;
    let client = client::build_with(&session.common, &session.environment, limits)?;
    let source = open_source(&client, &args.source).await?;
    let (destination, file) = match &args.destination {
        ImageArgument::File(file) => {
            let (image, file) = open_destination(&client, file)?;
            (image, Some(file))
        }
        ImageArgument::Registry(name) => {
            let reference = registry_destination(&source, name)?;
            (NamedImage::at_registry(reference), None)
        }
    };
    let row = Row::new(
        source.image.reference.clone(),
        destination.reference.clone(),
    );
    let names = RowNames {
        source: source.image,
        destination,
    };
    let request = CopyRequest {
        unlocked: Vec::new(),
        entries: Vec::new(),
        entry_findings: Vec::new(),
        tag_lists: Arc::default(),
        rows: vec![RunRow {
            row,
            target: None,
            listed: None,
            names: Some(Box::new(names)),
        }],
        other_rows: Vec::new(),
        shard: None,
        moved: MovedTag::Kept,
        trust_lock: false,
        signatures,
        client,
    };
    let mut run = run_copy(session, &args.copying, request).await?;
    if let Some(file) = file {
        finish(&file, &mut run);
    }
    publish_run(session, TITLE, &args.copying, run)
}

/// Moves a written file to its place. If that fails, the row has failed.
fn finish(file: &DestinationFile, run: &mut CopyRun) {
    let Some(copied) = run.rows.first_mut() else {
        return;
    };
    match file.finish() {
        Ok(None) => {}
        Ok(Some(written)) => copied.outcome.warnings.extend(written.notes),
        Err(error) => {
            let error = registry_client::Error::Local(LocalError::new(error));
            if copied.outcome.status != Status::Failed {
                run.summary.copied -= 1;
                run.summary.failed += 1;
            }
            copied.outcome = Outcome::failed(RowError::Write(error));
        }
    }
}

/// Returns the destination at a registry: with its own tag or digest, else with the tag of the source, else
/// with its digest.
///
/// # Errors
///
/// [`Failure`] for a tag with a digest that the source does not have: it would not be the digest of what
/// is copied.
fn registry_destination(
    source: &OpenSource,
    destination: &ImageName,
) -> Result<Reference, Failure> {
    let repository = &destination.repository;
    let named = destination.digest.as_ref();
    match (&destination.tag, named) {
        (Some(tag), Some(_)) if source.digest.as_ref() == named => {
            Ok(repository.reference(&tag.into()))
        }
        (tag, Some(digest)) if source.digest.as_ref() != named => {
            let tag = tag.as_ref().map(|tag| format!(":{tag}"));
            let tag = tag.unwrap_or_default();
            Err(Failure::unusable(format!(
                "the destination {repository}{tag}@{digest} has a digest that the source does not name"
            ))
            .hint(format!(
                "name the digest in the source: `mirror copy {}@{digest} {repository}{tag}`",
                source.image.repository()
            )))
        }
        _ => {
            let tag = source.tag.as_ref().map(ManifestReference::from);
            let digest = source.digest.as_ref().map(ManifestReference::from);
            Ok(destination.reference(tag.or(digest).as_ref()))
        }
    }
}
