//! `--add`: adds the images that the lists lack.

use std::path::PathBuf;

use extraction::{NeededImage, TagOrDigest};
use image_name::ManifestReference;

use super::args::ImagesArgs;
use super::listed::ListedImages;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::files::targets_file;
use crate::registries::availability::{AvailabilityChecker, ImageTag};
use crate::registries::signature_check::SignatureCheck;
use crate::rows::adding::{AddOptions, AddRequest, AddedReport, Additions, DestinationChoice, add};
use crate::session::Session;
use crate::terminal::output;

/// Checks that new images have a destination.
///
/// # Errors
///
/// [`Failure`] without `--dest` and without default targets, and for a `--dest` that is one destination.
pub(super) fn check(
    session: &Session,
    args: &ImagesArgs,
    paths: &[PathBuf],
) -> Result<(), Failure> {
    let targets = targets_file::require_valid(&session.common, paths)?;
    match &args.dest {
        Some(template) if !template.has_names() => Err(Failure::unusable(format!(
            "--dest {template} is one destination for all images"
        ))
        .hint(format!("write a template, such as `--dest '{template}/{{org}}-{{name}}'`"))),
        None if !targets.has_default() => Err(Failure::unusable(
            "--add requires a destination for new images: name it with --dest",
        )
        .hint(
            "write a template, such as `--dest 'registry.example.com/mirror/{org}-{name}'`, or set \
             `default` in targets.json, as docs/targets.md describes"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Adds images through the checks of `add-tag`. Returns the additions, and the exit status for images that
/// no row can have.
///
/// # Errors
///
/// [`Failure`] for lists that cannot be read or written.
pub(super) async fn add_images(
    session: &Session,
    args: &ImagesArgs,
    (images, listed): (&[&NeededImage], &ListedImages),
    paths: &[PathBuf],
) -> Result<(Additions, Exit), Failure> {
    let mut exit = Exit::Done;
    let mut wanted = Vec::new();
    for image in images {
        match image_tag(image, listed) {
            Ok(image) => wanted.push(image),
            Err(reason) => {
                tracing::error!("{image} can be in no list: {reason}");
                exit = Exit::Failed;
            }
        }
    }
    let request = AddRequest {
        images: wanted,
        destination: match &args.dest {
            Some(template) => DestinationChoice::FromListOrTemplate(template.clone()),
            None => DestinationChoice::FromListOrDefault,
        },
    };
    let options = AddOptions {
        keep_going: args.keep_going,
        skip_existing: true,
        dry_run: args.dry_run,
        sort: false,
    };
    let signatures = SignatureCheck::read(session, paths)?;
    let checker = AvailabilityChecker::new(&session.common, &session.environment)?
        .with_signatures(signatures);
    let _waiting = session.progress_display.show_requests(checker.client());
    let additions = Box::pin(add(session, &checker, options, &request, paths)).await?;
    for warning in &additions.outcome.warnings {
        tracing::warn!("{warning}");
    }
    exit = exit.with(additions.outcome.exit());
    Ok((additions, exit))
}

/// Prints the additions on standard error, where the images are the result.
pub(super) fn report(additions: &Additions) {
    let report = AddedReport {
        additions,
        command: "images",
    };
    output::notice(&report.to_string());
}

/// Parses an image with the grammar of lists, which is stricter than that of manifests. An image with tag and
/// digest becomes a row `TAG@DIGEST`, or one by digest if a row has the tag with another digest.
fn image_tag(image: &NeededImage, listed: &ListedImages) -> Result<ImageTag, String> {
    let (TagOrDigest::Tag(version) | TagOrDigest::Digest(version)) = &image.version;
    let source = image.repository.parse().map_err(|error| format!("{error}"));
    let version: Result<ManifestReference, _> = version.parse().map_err(|error| format!("{error}"));
    let (source, mut tag) = (source?, version?);
    let mut pinned_tag = None;
    if let Some(pin) = &image.pin {
        let pin = pin.parse().map_err(|error| format!("{error}"))?;
        pinned_tag = tag
            .tag()
            .filter(|_| !listed.has_source(&source, &tag))
            .cloned();
        tag = ManifestReference::Digest(pin);
    }
    Ok(ImageTag {
        source,
        tag,
        pinned_tag,
    })
}
