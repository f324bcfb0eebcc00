//! What somebody wants to add.

use std::fmt;

use images_list::{Repository, Tag};

use crate::cli::failure::Failure;

/// An image to add: a source and its tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    /// Where the image comes from.
    pub(crate) source: Repository,
    /// Which image.
    pub(crate) tag: Tag,
}

/// Where the images are to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Where the list sends their sources.
    OfTheList,
    /// To this one of the destinations that the list has for their sources.
    Named(Repository),
    /// To one that the list does not have for their source.
    New(Repository),
}

/// All that is to be added.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The images, each once.
    pub(crate) pairs: Vec<Pair>,
    /// Where they go.
    pub(crate) destination: Destination,
}

impl Wanted {
    /// Whether the request makes sense, whatever the list says.
    ///
    /// # Errors
    ///
    /// [`Failure`] for several images with one new destination.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let first = self.pairs.first().map(|pair| &pair.source);
        let is_same = |pair: &Pair| Some(&pair.source) == first;
        match &self.destination {
            Destination::New(name) if !self.pairs.iter().all(is_same) => {
                Err(Failure::unusable(format!(
                    "--new takes one image, with any number of tags: {name} cannot hold several"
                ))
                .hint("run it once for each new image".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

/// As an image is named.
impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.tag {
            Tag::Name(_) => ':',
            Tag::Digest(_) => '@',
        };
        write!(f, "{}{separator}{}", self.source, self.tag)
    }
}
