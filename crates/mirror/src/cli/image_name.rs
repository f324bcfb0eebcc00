//! `NAME[:TAG][@DIGEST]` on the command line.

use std::str::FromStr;

use images_list::{Repository, RepositoryError, Tag, TagError};
use oci_spec::distribution::Reference;

/// An image as a person names it. The list's types check it, since their
/// messages say what is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// The repository.
    pub(crate) repository: Repository,
    /// The tag or, where there is one, the digest; `None` if neither was given.
    pub(crate) tag: Option<Tag>,
}

/// Why a text names no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImageNameError {
    /// The part without tag and digest.
    #[error("{0}")]
    Repository(#[from] RepositoryError),
    /// The tag or digest.
    #[error("{0}")]
    Tag(#[from] TagError),
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let component = name.rfind('/').map_or(0, |slash| slash + 1);
        // `host:5000/image` has a colon before its last slash: that is a port.
        // A scheme (`https://host`) is left whole for the repository's message.
        let colon = name[component..].find(':').map(|colon| component + colon);
        let (name, tag) = match colon {
            Some(colon) => (&name[..colon], Some(name[colon + 1..].parse()?)),
            None => (name, None),
        };
        let digest = digest.map(str::parse).transpose()?;
        Ok(Self {
            repository: name.parse()?,
            tag: digest.or(tag),
        })
    }
}

impl ImageName {
    /// The image; `otherwise` is its tag if it has none.
    pub(crate) fn reference(&self, otherwise: Option<&Tag>) -> Reference {
        match self.tag.as_ref().or(otherwise) {
            Some(tag) => self.repository.reference(tag),
            None => Reference::with_tag(
                self.repository.host().to_owned(),
                self.repository.path().to_owned(),
                "latest".to_owned(),
            ),
        }
    }
}

/// The tag or digest of a reference, as it stands in a request.
pub(crate) fn tag_or_digest(reference: &Reference) -> &str {
    reference
        .digest()
        .or_else(|| reference.tag())
        .unwrap_or("latest")
}

/// The repository of a reference with its host.
pub(crate) fn full_repository(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn names_as_people_write_them() {
        let table = [
            ("busybox", "docker.io/library/busybox:latest".to_owned()),
            ("localhost:5000/a", "localhost:5000/a:latest".to_owned()),
            ("localhost:5000/a:1", "localhost:5000/a:1".to_owned()),
            (&format!("q.io/a@{DIGEST}"), format!("q.io/a@{DIGEST}")),
            (&format!("q.io/a:1@{DIGEST}"), format!("q.io/a@{DIGEST}")),
        ];
        for (text, want) in table {
            let name: ImageName = text.parse().unwrap();
            assert_eq!(name.reference(None).whole(), want, "{text}");
        }
    }

    #[test]
    fn what_names_no_image() {
        for text in [
            "",
            "a:",
            ":1",
            "https://q.io/a",
            "q.io/A",
            "a@sha256:12",
            "a:b:c",
            "a:1@",
        ] {
            assert!(text.parse::<ImageName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_missing_tag_is_that_of_the_source() {
        let name: ImageName = "q.io/a".parse().unwrap();
        let tag = "v1".parse().ok();
        assert_eq!(name.reference(tag.as_ref()).whole(), "q.io/a:v1");
    }
}
