//! Which strings are images.
//!
//! The grammar is that of [`oci_spec::distribution::Reference`], and more
//! strict where that one takes anything: it is made to read what somebody
//! wrote as an image, here the question is whether it is one.

use oci_spec::distribution::Reference;

use super::mention::Pin;

/// The hosts that mean Docker Hub, which names in a list go without.
const HUB_PREFIXES: [&str; 2] = ["docker.io/", "index.docker.io/"];

/// Names that stand before a `:` and are no repositories: hosts, algorithms.
const NO_NAMES: [&str; 4] = ["localhost", "sha256", "sha384", "sha512"];

/// Why a text is no image that can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoImage {
    /// It does not fit the grammar.
    #[error("is no image: write it as `HOST/REPOSITORY:TAG`")]
    Form,
    /// It has neither a tag nor a digest.
    #[error("has no tag: add one, as in `REPOSITORY:TAG`")]
    Untagged,
}

/// A string that is an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    /// The repository, without Docker Hub's host.
    pub(super) image: String,
    /// The tag, or the digest where there is no tag.
    pub(super) pin: Pin,
}

impl Written {
    /// Reads a string, all of it.
    pub(super) fn parse(text: &str) -> Result<Self, NoImage> {
        // The grammar's `\w` takes letters of all languages, tags are ASCII.
        if !text.is_ascii() {
            return Err(NoImage::Form);
        }
        let reference = Reference::try_from(text).map_err(|_| NoImage::Form)?;
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (text, None),
        };
        let name_at = named.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match named[name_at..].split_once(':') {
            Some((name, tag)) => (&named[..name_at + name.len()], Some(tag)),
            None => (named, None),
        };
        // A first part in upper case passes the grammar as a host that it then is not.
        if reference
            .repository()
            .contains(|c: char| c.is_ascii_uppercase())
        {
            return Err(NoImage::Form);
        }
        if name_at == 0 && tag.is_some_and(|tag| is_something_else(repository, tag)) {
            return Err(NoImage::Form);
        }
        let pin = match (tag, digest) {
            (Some(tag), _) => Pin::Tag(tag.to_owned()),
            (None, Some(digest)) => Pin::Digest(digest.to_owned()),
            (None, None) => return Err(NoImage::Untagged),
        };
        let image = without_hub(repository).to_owned();
        Ok(Self { image, pin })
    }

    /// Whether it looks like an image even where not much says that one is meant: with a host or
    /// another part before the name, and a digit in the tag.
    pub(super) fn is_telling(&self, text: &str) -> bool {
        match &self.pin {
            Pin::Tag(tag) => text.contains('/') && tag.contains(|c: char| c.is_ascii_digit()),
            Pin::Digest(_) => text.contains('/'),
        }
    }
}

/// Whether a name of one part and its tag are a host and its port, a time or a digest.
fn is_something_else(name: &str, tag: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(name) || (name.contains('.') && digits(tag)) || NO_NAMES.contains(&name)
}

/// The name as a list has it.
pub(super) fn without_hub(name: &str) -> &str {
    HUB_PREFIXES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// The name in the form in which two names of one repository are equal.
pub(crate) fn normal(name: &str) -> String {
    match Reference::try_from(name) {
        Ok(reference) => {
            let host = reference.registry().to_ascii_lowercase();
            format!("{host}/{}", reference.repository())
        }
        Err(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    #[test]
    fn images_are_read_as_they_are_written() {
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
            let image = image.to_owned();
            let pin = Pin::Tag(tag.to_owned());
            assert_eq!(Written::parse(text), Ok(Written { image, pin }), "{text}");
        }
        let alone = Written::parse(&format!("docker.io/a/b@{DIGEST}"));
        let image = "a/b".to_owned();
        let pin = Pin::Digest(DIGEST.to_owned());
        assert_eq!(alone, Ok(Written { image, pin }));
    }

    #[test]
    fn what_only_looks_like_an_image_is_none() {
        let form = [
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
        for text in form {
            assert_eq!(Written::parse(text), Err(NoImage::Form), "{text}");
        }
        for text in ["busybox", "a/b", "host:5000/x", "localhost:5000/x/y"] {
            assert_eq!(Written::parse(text), Err(NoImage::Untagged), "{text}");
        }
    }

    #[test]
    fn names_of_one_repository_are_equal() {
        for name in [
            "busybox",
            "docker.io/busybox",
            "index.docker.io/library/busybox",
        ] {
            assert_eq!(normal(name), "docker.io/library/busybox");
        }
        assert_eq!(normal("Quay.io/a/b"), "quay.io/a/b");
    }
}
