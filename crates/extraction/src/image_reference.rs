//! Image references in arbitrary strings.
//!
//! The grammar is that of [`ImageName`] with additional restrictions. That type parses text that is
//! meant as an image; this module decides whether a string is one.

use image_name::{ImageName, RepositoryName, without_docker_hub};

/// Names before a `:` that are hosts or digest algorithms, not repositories.
const NOT_REPOSITORIES: [&str; 4] = ["localhost", "sha256", "sha384", "sha512"];

/// The tag of an image that has none, for every program that pulls images.
const DEFAULT_TAG: &str = "latest";

/// The reason why a string is not an image reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReferenceError {
    /// The string does not match the grammar.
    #[error("is not an image: write it as `HOST/REPOSITORY:TAG`")]
    Syntax,
    /// The reference has neither a tag nor a digest.
    #[error("has no tag: add one, as in `REPOSITORY:TAG`")]
    Untagged,
}

/// The tag of an image, or its digest if it has no tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagOrDigest {
    /// A tag. A digest beside it is a pin.
    Tag(String),
    /// A digest without a tag, such as `sha256:…`.
    Digest(String),
}

/// An image reference with a tag or digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageReference {
    /// The repository as written, without Docker Hub's host.
    pub(crate) repository: String,
    /// The tag or digest.
    pub(crate) version: TagOrDigest,
    /// The digest beside a tag.
    pub(crate) pin: Option<String>,
}

impl ImageReference {
    /// Parses a whole string.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] if the string is not a reference, or has neither tag nor digest.
    pub(crate) fn parse(text: &str) -> Result<Self, ReferenceError> {
        let name: ImageName = text.parse().map_err(|_| ReferenceError::Syntax)?;
        let repository = name.repository.as_written();
        let tag = name.tag.as_ref().map(|tag| tag.as_str());
        if !repository.contains('/')
            && tag.is_some_and(|tag| is_host_time_or_digest(repository, tag))
        {
            return Err(ReferenceError::Syntax);
        }
        let digest = name.digest.as_ref().map(ToString::to_string);
        let (version, pin) = match (tag, digest) {
            (Some(tag), pin) => (TagOrDigest::Tag(tag.to_owned()), pin),
            (None, Some(digest)) => (TagOrDigest::Digest(digest), None),
            (None, None) => return Err(ReferenceError::Untagged),
        };
        let repository = without_docker_hub(repository).to_owned();
        Ok(Self {
            repository,
            version,
            pin,
        })
    }

    /// Parses a whole string at a location that always names an image, as a container does. Without a
    /// tag, it means `latest`.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] if the string is not a reference.
    pub(crate) fn parse_certain(text: &str) -> Result<Self, ReferenceError> {
        match Self::parse(text) {
            Err(ReferenceError::Untagged) => Self::parse(&format!("{text}:{DEFAULT_TAG}")),
            parsed => parsed,
        }
    }

    /// Returns true if the text is a reference even where nothing else says so: it has a host with a dot or
    /// a port, and a tag that has a digit and is no port, or a digest.
    pub(crate) fn is_complete(&self, text: &str) -> bool {
        let Some((host, path)) = text.split_once('/') else {
            return false;
        };
        let version = match &self.version {
            TagOrDigest::Tag(tag) => {
                self.pin.is_some()
                    || tag.contains(|c: char| c.is_ascii_digit())
                        && !tag.bytes().all(|byte| byte.is_ascii_digit())
            }
            TagOrDigest::Digest(_) => true,
        };
        host.contains(['.', ':']) && !path.is_empty() && version
    }

    /// Returns true if the text is distinctive enough for a location that rarely holds an image: it has a
    /// second path component and a digit in the tag.
    pub(crate) fn is_distinctive(&self, text: &str) -> bool {
        match &self.version {
            TagOrDigest::Tag(tag) => {
                text.contains('/') && tag.contains(|c: char| c.is_ascii_digit())
            }
            TagOrDigest::Digest(_) => text.contains('/'),
        }
    }
}

/// Returns true if a one-component name and its tag are a host and port, a time or a digest.
fn is_host_time_or_digest(name: &str, tag: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(name) || (name.contains('.') && digits(tag)) || NOT_REPOSITORIES.contains(&name)
}

/// Returns the canonical name of a repository. Two spellings of one repository have the same.
#[must_use]
pub fn normalized_repository(name: &str) -> String {
    match name.parse::<RepositoryName>() {
        Ok(repository) => repository.full(),
        Err(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    #[test]
    fn reference_keeps_the_repository_as_written() {
        let with_digest = format!("quay.io/a/b:v1.2@{DIGEST}");
        let table = [
            ("busybox:1.36", "busybox", "1.36"),
            ("docker.io/busybox:stable", "busybox", "stable"),
            ("index.docker.io/a/b:1", "a/b", "1"),
            ("docker.io/library/b:1", "library/b", "1"),
            ("host:5000/x:1", "host:5000/x", "1"),
            ("localhost/x:1", "localhost/x", "1"),
            (
                "registry.k8s.io/a-b/c_d:V1.0-Rc",
                "registry.k8s.io/a-b/c_d",
                "V1.0-Rc",
            ),
            (&with_digest, "quay.io/a/b", "v1.2"),
        ];
        for (text, image, tag) in table {
            let expected = ImageReference {
                repository: image.to_owned(),
                version: TagOrDigest::Tag(tag.to_owned()),
                pin: text.split_once('@').map(|(_, digest)| digest.to_owned()),
            };
            assert_eq!(ImageReference::parse(text), Ok(expected), "{text}");
        }
        let expected = ImageReference {
            repository: "a/b".to_owned(),
            version: TagOrDigest::Digest(DIGEST.to_owned()),
            pin: None,
        };
        let parsed = ImageReference::parse(&format!("docker.io/a/b@{DIGEST}"));
        assert_eq!(parsed, Ok(expected));
    }

    #[test]
    fn hosts_urls_times_and_templates_are_not_references() {
        let invalid = [
            "",
            ":1",
            "a:",
            "a b:1",
            " a:1",
            "a:1\n",
            "{{ .image }}:1",
            "a/{{b}}:1",
            "a:$TAG",
            "http://host:80",
            "https://quay.io/a/b:1",
            "oci://a/b:1",
            "12:30",
            "localhost:5000",
            "registry.example.com:5000",
            DIGEST,
            "sha256:abc",
            "A/b:1",
            "a/B:1",
            "Abc:1",
            "a:ü",
            "a//b:1",
            "/a:1",
            "a/:1",
            "a:1:2",
            "a@sha256:abc",
            "a/b:1,c/d:2",
            "data:image/png",
        ];
        for text in invalid {
            assert_eq!(
                ImageReference::parse(text),
                Err(ReferenceError::Syntax),
                "{text}"
            );
        }
        for text in ["busybox", "a/b", "host:5000/x", "localhost:5000/x/y"] {
            assert_eq!(
                ImageReference::parse(text),
                Err(ReferenceError::Untagged),
                "{text}"
            );
        }
    }

    #[test]
    fn complete_reference_has_a_host_and_a_version() {
        let digest = format!("quay.io/a@{DIGEST}");
        for (text, complete) in [
            ("quay.io/a/b:v1", true),
            ("host:5000/b:1.0", true),
            (&digest, true),
            ("quay.io/a/b:8080", false),
            ("quay.io/a/b:stable", false),
            ("a/b:v1", false),
            ("b:v1", false),
        ] {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!(reference.is_complete(text), complete, "{text}");
        }
    }

    #[test]
    fn certain_reference_without_a_tag_is_latest() {
        let parsed = |text| {
            let reference = ImageReference::parse_certain(text).ok()?;
            Some((reference.repository, reference.version))
        };
        let latest = TagOrDigest::Tag("latest".to_owned());
        assert_eq!(
            parsed("host:5000/x"),
            Some(("host:5000/x".to_owned(), latest.clone()))
        );
        assert_eq!(
            parsed("docker.io/nginx"),
            Some(("nginx".to_owned(), latest))
        );
        assert_eq!(parsed("https://a/b"), None);
        assert_eq!(parsed("$IMAGE"), None);
    }

    #[test]
    fn spellings_of_one_repository_have_one_normalized_name() {
        for name in [
            "busybox",
            "docker.io/busybox",
            "index.docker.io/library/busybox",
        ] {
            assert_eq!(normalized_repository(name), "docker.io/library/busybox");
        }
        assert_eq!(normalized_repository("Quay.io/a/b"), "quay.io/a/b");
    }
}
