//! Image files in the place of registries.

use bundle::image_files::{DestinationFile, ImageFile, ImageFileError, SourceFile};
use image_name::{Digest, Tag};
use registry_client::Client;

use super::named_image::NamedImage;
use crate::cli::failure::Failure;
use crate::cli::image_argument::ImageArgument;

/// A source image: its names, and what a destination without a tag takes from it.
#[derive(Debug)]
pub(crate) struct OpenSource {
    /// The image.
    pub(crate) image: NamedImage,
    /// Its tag, if it has one.
    pub(crate) tag: Option<Tag>,
    /// Its digest, if the argument names it or the image is in a file.
    pub(crate) digest: Option<Digest>,
}

/// Opens the image of an argument. A file is added to the client.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be read, or that does not have the image.
pub(crate) async fn open_source(
    client: &Client,
    argument: &ImageArgument,
) -> Result<OpenSource, Failure> {
    let file = match argument {
        ImageArgument::Registry(image) => {
            return Ok(OpenSource {
                image: NamedImage::at_registry(image.reference(None)),
                tag: image.tag.clone(),
                digest: image.digest.clone(),
            });
        }
        ImageArgument::File(file) => file,
    };
    let argument = file.clone();
    // The layers of a docker archive are read for their digests.
    let opened = tokio::task::spawn_blocking(move || SourceFile::open(&argument)).await;
    let opened = opened.map_err(|error| Failure::failed(format!("{file}: {error}")))?;
    let opened = opened.map_err(|error| failure(file, &error))?;
    let added = client.insert_in_process(&opened.host, opened.registry());
    added.map_err(|error| Failure::failed(error.to_string()))?;
    Ok(OpenSource {
        image: NamedImage::from_file(file, &opened),
        tag: opened.tag().cloned(),
        digest: Some(opened.digest.clone()),
    })
}

/// Prepares a file to which an image is written, and adds it to the client.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be written.
pub(crate) fn open_destination(
    client: &Client,
    file: &ImageFile,
) -> Result<(NamedImage, DestinationFile), Failure> {
    let opened = DestinationFile::open(file).map_err(|error| failure(file, &error))?;
    let added = client.insert_in_process(&opened.host, opened.registry());
    added.map_err(|error| Failure::failed(error.to_string()))?;
    Ok((NamedImage::into_file(file, &opened), opened))
}

fn failure(file: &ImageFile, error: &ImageFileError) -> Failure {
    let message = error.to_string();
    let place = file.place();
    match error {
        ImageFileError::Io { .. } => Failure::unusable(message),
        ImageFileError::NoImage { .. } | ImageFileError::Several { .. } => Failure::failed(message)
            .hint(format!(
                "name one of its images, {place}:NAME, or the first of its index with {place}:@0"
            )),
        _ => Failure::failed(message),
    }
}
