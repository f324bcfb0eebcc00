//! A request to add images to the lists.

use images_list::{Destination, DestinationTemplate, Targets};

use crate::cli::failure::Failure;
use crate::registries::availability::ImageTag;

/// The destination of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DestinationChoice {
    /// The destination that each source has in the lists.
    FromList,
    /// The destination that each source has in the lists, or, for a source without a row, that of the
    /// targets file, if it has one.
    FromListOrDefault,
    /// The destination that each source has in the lists, or, for a source without a row, that of a
    /// template.
    FromListOrTemplate(DestinationTemplate),
    /// One of the destinations that the sources have in the lists.
    Named(Destination),
    /// A destination that the source does not have in the lists.
    New(Destination),
    /// The destination of the targets file, which the source does not have in the lists.
    NewDefault,
}

/// The images to add, and their destination.
#[derive(Debug, Clone)]
pub(crate) struct AddRequest {
    /// The images, each once.
    pub(crate) images: Vec<ImageTag>,
    /// The destination of all of them.
    pub(crate) destination: DestinationChoice,
}

impl DestinationChoice {
    /// Returns true if each row gets a destination that its source does not have in the lists.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::New(_) | Self::NewDefault)
    }
}

impl AddRequest {
    /// Checks that the targets file has the destination that the request needs.
    ///
    /// # Errors
    ///
    /// [`Failure`] for `--new` without a destination, and without default targets.
    pub(crate) fn check_targets(&self, targets: &Targets) -> Result<(), Failure> {
        match &self.destination {
            DestinationChoice::NewDefault if !targets.has_default() => Err(Failure::unusable(
                "--new requires a destination: name it with --dest",
            )
            .hint("or set `default` in targets.json, as docs/targets.md describes".to_owned())),
            _ => Ok(()),
        }
    }

    /// Checks the request itself, without the lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for several images with one new destination.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let first = self.images.first().map(|image| &image.source);
        let is_same = |image: &ImageTag| Some(&image.source) == first;
        match &self.destination {
            DestinationChoice::New(name) if !self.images.iter().all(is_same) => {
                Err(Failure::unusable(format!(
                    "--new accepts images of one source only, but the images for {name} have different sources"
                ))
                .hint("run the command once for each source".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
