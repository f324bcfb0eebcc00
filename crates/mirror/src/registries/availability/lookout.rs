//! Looking for images and repositories at registries.

use images_list::{Approved, Repository, Tag};
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, Existence};

use super::{Looked, Trouble};
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::image_name::tag_or_digest;
use crate::cli::options::Common;
use crate::registries::client;

/// One client for all that is looked for in a run.
#[derive(Debug)]
pub(crate) struct Lookout {
    client: Client,
}

impl Lookout {
    /// Somebody who has not spoken to anybody yet.
    ///
    /// # Errors
    ///
    /// As [`client::build`].
    pub(crate) fn new(common: &Common, environment: &Environment) -> Result<Self, Failure> {
        let client = client::build(common, environment)?;
        Ok(Self { client })
    }

    /// Whether a source has an image, and which, at any of the places where it
    /// may be read: one HEAD each.
    pub(crate) async fn image(&self, source: &Repository, tag: &Tag) -> Looked<Approved> {
        let image = source.reference(tag);
        let places = match self.client.sources(&image) {
            Ok(places) => places,
            Err(error) => return Looked::of(&error, &image),
        };
        let mut looked = Looked::Missing;
        for place in places {
            // The registry itself comes last, after its mirrors, and its word counts.
            looked = match place.head_manifest(tag_or_digest(&image)).await {
                Ok(Some(head)) => {
                    let media_type = head.media_type.as_deref();
                    return Looked::Found(Approved::new(head.digest, media_type));
                }
                Ok(None) => Looked::Missing,
                Err(error) => Looked::of(&error, &image),
            };
        }
        looked
    }

    /// Whether a repository exists.
    ///
    /// Docker Hub and quay.io say so through their own APIs. Elsewhere, and
    /// where those say nothing, it is the tag list that tells: 200, or 404 for
    /// a repository that does not exist (`NAME_UNKNOWN`). distribution, zot,
    /// Harbor and GHCR know a repository from its first push on, so one that
    /// is empty is missing there too.
    pub(crate) async fn repository(&self, name: &Repository) -> Looked {
        // The client asks for an image; the tag does not matter.
        let any = Reference::with_tag(
            name.host().to_owned(),
            name.path().to_owned(),
            "latest".to_owned(),
        );
        match self.said(&any).await {
            Ok(Existence::Exists) => Looked::Found(()),
            Ok(Existence::Unknown) => self.tag_list(&any).await,
            // Private ones are not shown to strangers; with credentials the registry shows them.
            Ok(Existence::Missing) => match self.tag_list(&any).await {
                Looked::Found(()) => Looked::Found(()),
                _ => Looked::Missing,
            },
            Err(error) => match self.tag_list(&any).await {
                // The registry does not tell strangers, and who would tell could not be asked.
                Looked::Unchecked(_) => Looked::Failed(Trouble {
                    message: error.to_string(),
                    refused: false,
                }),
                other => other,
            },
        }
    }

    /// What the registry's own API says, where it has one.
    async fn said(&self, any: &Reference) -> Result<Existence, registry_client::Error> {
        match self.client.vendor_api(any)? {
            Some(repository) => repository.exists().await,
            None => Ok(Existence::Unknown),
        }
    }

    async fn tag_list(&self, any: &Reference) -> Looked {
        let tags = match self.client.destination(any, Access::Pull) {
            Ok(place) => place.tags().await,
            Err(error) => Err(error),
        };
        match tags {
            Ok(Some(_)) => Looked::Found(()),
            Ok(None) => Looked::Missing,
            Err(error) => Looked::of(&error, any),
        }
    }
}
