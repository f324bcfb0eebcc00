//! A request to add images to the lists.

use image_name::RepositoryName;

use crate::cli::failure::Failure;
use crate::registries::availability::ImageTag;

/// The destination of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The destination that each source has in the lists.
    FromList,
    /// One of the destinations that the sources have in the lists.
    Named(RepositoryName),
    /// A destination that the source does not have in the lists.
    New(RepositoryName),
}

/// The images to add, and their destination.
#[derive(Debug, Clone)]
pub(crate) struct AddRequest {
    /// The images, each once.
    pub(crate) images: Vec<ImageTag>,
    /// The destination of all of them.
    pub(crate) destination: Destination,
}

impl AddRequest {
    /// Checks the request itself, without the lists.
    ///
    /// # Errors
    ///
    /// [`Failure`] for several images with one new destination.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let first = self.images.first().map(|image| &image.source);
        let is_same = |image: &ImageTag| Some(&image.source) == first;
        match &self.destination {
            Destination::New(name) if !self.images.iter().all(is_same) => {
                Err(Failure::unusable(format!(
                    "--new accepts images of one source only, but the images for {name} have different sources"
                ))
                .hint("run the command once for each source".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
