//! The images that something uses: the result of `mirror usage --output json`.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, ImageName, RepositoryName, Tag};
use serde::Deserialize;

/// The images that something uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsedImages {
    /// The names with a tag. A name with neither tag nor digest means `latest`.
    pub tags: HashSet<(RepositoryName, Tag)>,
    /// The digests of names and of running containers.
    pub digests: HashSet<Digest>,
    /// The same digests by the repository of the name.
    pub digests_of: HashMap<RepositoryName, HashSet<Digest>>,
}

/// The reason why a text does not say what is used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsedImagesError {
    /// The text is not the document.
    #[error("not a result of `mirror usage --output json`: {0}")]
    Form(#[from] serde_json::Error),
    /// The document names no image.
    #[error("the document names no image in use")]
    Empty,
    /// A cluster has no objects: nothing is known about its images.
    #[error("no object of the cluster {name} was read, so it is not known what it uses")]
    EmptyCluster {
        /// The name, shortened.
        name: String,
    },
    /// An image has a name that is not valid.
    #[error("`{image}` is not an image: {reason}")]
    Image {
        /// The name, shortened.
        image: String,
        /// The reason.
        reason: String,
    },
    /// A digest is not valid.
    #[error("`{digest}` of {image} is not a digest: {reason}")]
    Digest {
        /// The image.
        image: String,
        /// The digest, shortened.
        digest: String,
        /// The reason.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Document {
    images: Vec<UsedImage>,
    #[serde(default)]
    clusters: Vec<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    name: String,
    /// The number of objects that were read.
    objects: Option<u64>,
}

#[derive(Deserialize)]
struct UsedImage {
    image: String,
    #[serde(default)]
    digests: Vec<String>,
}

/// The maximum length of foreign text in an error, in characters.
const MAX_SHOWN: usize = 200;

impl UsedImages {
    /// Parses the document. Unknown keys are ignored, but each image must be readable: an image that is
    /// not understood would not be protected.
    ///
    /// # Errors
    ///
    /// [`UsedImagesError`].
    pub fn parse(text: &str) -> Result<Self, UsedImagesError> {
        let document: Document = serde_json::from_str(text)?;
        if document.images.is_empty() {
            return Err(UsedImagesError::Empty);
        }
        let mut clusters = document.clusters.iter();
        if let Some(empty) = clusters.find(|cluster| cluster.objects == Some(0)) {
            let name = empty.name.escape_debug().take(MAX_SHOWN).collect();
            return Err(UsedImagesError::EmptyCluster { name });
        }
        let mut used = Self::default();
        for UsedImage { image, digests } in document.images {
            used.add(&image, &digests)?;
        }
        Ok(used)
    }

    fn add(&mut self, image: &str, digests: &[String]) -> Result<(), UsedImagesError> {
        let shown = |text: &str| text.chars().take(MAX_SHOWN).collect::<String>();
        let name: ImageName = image.parse().map_err(|reason| UsedImagesError::Image {
            image: shown(image),
            reason: format!("{reason}"),
        })?;
        let latest = || "latest".parse::<Tag>().ok();
        let tag = match &name.digest {
            Some(_) => name.tag,
            None => name.tag.or_else(latest),
        };
        let repository = name.repository.clone();
        self.tags.extend(tag.map(|tag| (repository, tag)));
        let of_name = self.digests_of.entry(name.repository).or_default();
        of_name.extend(name.digest);
        for text in digests {
            let digest: Digest = text.parse().map_err(|reason| UsedImagesError::Digest {
                image: shown(image),
                digest: shown(text),
                reason: format!("{reason}"),
            })?;
            of_name.insert(digest);
        }
        self.digests.extend(of_name.iter().cloned());
        Ok(())
    }

    /// Adds the images of another document.
    pub fn extend(&mut self, other: Self) {
        self.tags.extend(other.tags);
        self.digests.extend(other.digests);
        for (repository, digests) in other.digests_of {
            let known = self.digests_of.entry(repository).or_default();
            known.extend(digests);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn names_and_digests_are_read() {
        let text = format!(
            r#"{{"summary": {{}}, "images": [
            {{"image": "busybox", "digests": ["{DIGEST}"], "pods": 3}},
            {{"image": "r.io/a:1@{DIGEST}"}}, {{"image": "r.io/b@{DIGEST}", "digests": []}}]}}"#
        );
        let used = UsedImages::parse(&text).unwrap();
        let mut names: Vec<_> = used
            .tags
            .iter()
            .map(|(name, tag)| format!("{}:{tag}", name.full()))
            .collect();
        names.sort();
        assert_eq!(names, ["docker.io/library/busybox:latest", "r.io/a:1"]);
        assert_eq!(used.digests.len(), 1);
    }

    #[test]
    fn documents_that_protect_nothing_are_refused() {
        for text in [
            "",
            "{}",
            r#"{"images": []}"#,
            r#"{"images": [{"digests": []}]}"#,
            r#"{"images": [{"image": "A B"}]}"#,
            r#"{"images": [{"image": "a", "digests": ["12"]}]}"#,
            r#"{"images": "a"}"#,
            r#"{"images": [{"image": "a"}], "clusters": [{"name": "x", "objects": 0}]}"#,
        ] {
            assert!(UsedImages::parse(text).is_err(), "{text}");
        }
    }
}
