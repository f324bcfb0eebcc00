//! The source of a foreign layer.

use std::sync::Arc;

use image_name::Digest;
use url::Url;

use super::publisher::Publisher;
use crate::auth::Access;
use crate::client::Client;
use crate::error::Error;
use crate::local_error::LocalError;
use crate::redact;
use crate::repository::Repository;

/// The maximum number of URLs of a layer.
const MAX_URLS: usize = 16;

/// The path of the repository that stands for a publisher.
const REPOSITORY: &str = "layer";

impl Client {
    /// Returns the source of a foreign layer: a repository inside this process that reads it from the first
    /// of its URLs that has it.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] for a layer without a URL that may be fetched.
    pub fn foreign_layer(&self, digest: &Digest, urls: &[String]) -> Result<Repository, Error> {
        let unusable = |cause: String| {
            Error::Local(LocalError::new(format!(
                "the foreign layer {digest} is not fetched: {cause}; --insecure HOST permits a host"
            )))
        };
        let parsed = urls.iter().take(MAX_URLS);
        let parsed: Vec<Url> = parsed.filter_map(|url| url.parse().ok()).collect();
        let Some(first) = parsed.first() else {
            return Err(unusable("it has no valid URL".to_owned()));
        };
        // The name of the source in messages.
        let name = redact::url(first);
        let publisher = Publisher::new(self, digest.clone(), parsed).map_err(unusable)?;
        self.insert_in_process(&name, Arc::new(publisher))?;
        let reference =
            oci_client::Reference::with_tag(name, REPOSITORY.to_owned(), "latest".to_owned());
        self.destination(&reference, Access::Pull)
    }
}
