//! Images that an object uses.

use image_name::{Digest, ImageName};

/// An image that an object uses, and the place of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The image as the object names it.
    pub image: ImageName,
    /// The path in the object, such as `spec.containers[0].image`.
    pub place: String,
    /// The digest that runs, from the status of the container.
    pub running: Option<Digest>,
}

/// Text in a place for images that is not the name of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidImage {
    /// The text.
    pub text: String,
    /// The path in the object.
    pub place: String,
    /// The error of the grammar.
    pub reason: String,
}

/// The images of an object while it is read.
#[derive(Debug, Default)]
pub(crate) struct FoundImages {
    pub(crate) images: Vec<ImageUse>,
    pub(crate) invalid: Vec<InvalidImage>,
}

impl FoundImages {
    /// Adds the text of a place for images. Empty text is no image: the field is optional in templates.
    pub(crate) fn add(&mut self, text: &str, place: String, running: Option<Digest>) {
        if text.is_empty() {
            return;
        }
        match text.parse() {
            Ok(image) => self.images.push(ImageUse {
                image,
                place,
                running,
            }),
            Err(error) => self.add_invalid(text, place, &error),
        }
    }

    fn add_invalid(&mut self, text: &str, place: String, error: &image_name::ImageNameError) {
        self.invalid.push(InvalidImage {
            text: text.to_owned(),
            place,
            reason: error.to_string(),
        });
    }

    /// Reports whether a place was added with the same image.
    pub(crate) fn contains(&self, image: &ImageName) -> bool {
        self.images.iter().any(|found| {
            let found = &found.image;
            found.repository == image.repository
                && (found.tag == image.tag || found.digest == image.digest)
        })
    }
}

/// Returns the digest of the manifest in an `imageID` of a status.
///
/// containerd and CRI-O write `REPOSITORY@DIGEST`, the Docker shim `docker-pullable://REPOSITORY@DIGEST`. A
/// bare `sha256:…` or `docker://sha256:…` is the digest of a config: the image did not come from a registry,
/// or the runtime does not know it any more.
pub(crate) fn running_digest(image_id: &str) -> Option<Digest> {
    let (_, digest) = image_id.rsplit_once('@')?;
    digest.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_id_has_the_digest_behind_the_repository() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let table = [
            (format!("docker.io/library/nginx@{digest}"), true),
            (format!("docker-pullable://nginx@{digest}"), true),
            (format!("localhost:5000/a/b:v1@{digest}"), true),
            (digest.clone(), false),
            (format!("docker://{digest}"), false),
            ("a".repeat(64), false),
            ("nginx@sha256:abc".to_owned(), false),
            (String::new(), false),
        ];
        for (id, has_digest) in table {
            let want = has_digest.then(|| digest.clone());
            assert_eq!(
                running_digest(&id).map(|found| found.to_string()),
                want,
                "{id}"
            );
        }
    }
}
