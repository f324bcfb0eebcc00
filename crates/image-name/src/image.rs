//! The names of images: `REPOSITORY[:TAG][@DIGEST]`.

use std::str::FromStr;

use oci_spec::distribution::Reference;

use crate::digest::{Digest, DigestError};
use crate::host::is_host_and_port;
use crate::manifest_reference::ManifestReference;
use crate::repository_name::{RepositoryName, RepositoryNameError};
use crate::tag::{Tag, TagError};

/// An image as a person names it: `busybox`, `quay.io/org/image:v1`, `localhost:5000/a@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName {
    /// The repository.
    pub repository: RepositoryName,
    /// The tag, if there is one.
    pub tag: Option<Tag>,
    /// The digest, if there is one.
    pub digest: Option<Digest>,
}

/// The reason why a text is not the name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageNameError {
    /// The part before tag and digest.
    #[error(transparent)]
    Repository(#[from] RepositoryNameError),
    /// The part after `:`.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The part after `@`.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl ImageName {
    /// Returns the manifest that the name asks for: by digest if there is one, else by tag.
    #[must_use]
    pub fn manifest(&self) -> Option<ManifestReference> {
        let by_digest = self.digest.as_ref().map(ManifestReference::from);
        by_digest.or_else(|| self.tag.as_ref().map(ManifestReference::from))
    }

    /// Returns the reference to the image. If the name has neither tag nor digest, `default` stands
    /// in, or else `latest`.
    #[must_use]
    pub fn reference(&self, default: Option<&ManifestReference>) -> Reference {
        match self.manifest().as_ref().or(default) {
            Some(manifest) => self.repository.reference(manifest),
            None => Reference::with_tag(
                self.repository.host().to_string(),
                self.repository.path().to_string(),
                "latest".to_owned(),
            ),
        }
    }
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        if is_host_and_port(name) {
            let host = name.to_owned();
            return Err(RepositoryNameError::HostOnly { host }.into());
        }
        // A colon before the last slash is that of a port (`host:5000/image`) or of a scheme, which
        // stays for the repository's error.
        let component = name.rfind('/').map_or(0, |slash| slash + 1);
        let colon = name[component..].find(':').map(|colon| component + colon);
        let (name, tag) = match colon {
            Some(colon) => (&name[..colon], Some(name[colon + 1..].parse()?)),
            None => (name, None),
        };
        Ok(Self {
            digest: digest.map(str::parse).transpose()?,
            repository: name.parse()?,
            tag,
        })
    }
}

/// Returns the digest of a reference or else its tag, as in the URL of a request.
#[must_use]
pub fn tag_or_digest(reference: &Reference) -> &str {
    reference
        .digest()
        .or_else(|| reference.tag())
        .unwrap_or("latest")
}

/// Returns the repository of a reference with its host.
#[must_use]
pub fn full_repository(reference: &Reference) -> String {
    format!("{}/{}", reference.registry(), reference.repository())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn names_have_an_optional_tag_and_digest() {
        let table = [
            ("busybox", "docker.io/library/busybox:latest".to_owned()),
            ("localhost:5000/a", "localhost:5000/a:latest".to_owned()),
            ("localhost:5000/a:1", "localhost:5000/a:1".to_owned()),
            ("alpine:3", "docker.io/library/alpine:3".to_owned()),
            ("localhost:v1", "docker.io/library/localhost:v1".to_owned()),
            ("org/r.io:5000", "docker.io/org/r.io:5000".to_owned()),
            (
                "docker.io/r.io:5000",
                "docker.io/library/r.io:5000".to_owned(),
            ),
            (&format!("q.io/a@{DIGEST}"), format!("q.io/a@{DIGEST}")),
            (&format!("q.io/a:1@{DIGEST}"), format!("q.io/a@{DIGEST}")),
        ];
        for (text, expected) in table {
            let name: ImageName = text.parse().unwrap();
            assert_eq!(name.reference(None).whole(), expected, "{text}");
        }
    }

    #[test]
    fn text_outside_the_grammar_is_refused() {
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

    /// Read as the tag of a repository at Docker Hub, the image would be pushed there.
    #[test]
    fn host_with_a_port_is_no_image() {
        for host in ["localhost:5000", "127.0.0.1:5000", "r.io:443", "[::1]:5000"] {
            for text in [host.to_owned(), format!("{host}@{DIGEST}")] {
                let message = text.parse::<ImageName>().unwrap_err().to_string();
                let want =
                    format!("{host} is a host without a repository; write {host}/REPOSITORY");
                assert_eq!(message, want, "{text}");
            }
        }
    }

    #[test]
    fn the_default_replaces_a_missing_tag() {
        let name: ImageName = "q.io/a".parse().unwrap();
        let default = "v1".parse().ok();
        assert_eq!(name.reference(default.as_ref()).whole(), "q.io/a:v1");
        let name: ImageName = "q.io/a:v2".parse().unwrap();
        assert_eq!(name.reference(default.as_ref()).whole(), "q.io/a:v2");
    }
}
