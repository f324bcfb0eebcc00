//! The names of repositories with their host.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use oci_spec::distribution::Reference;

use crate::host::{Host, HostError, is_host, is_host_and_port};
use crate::manifest_reference::ManifestReference;
use crate::repository_path::{RepositoryPath, RepositoryPathError};

/// A repository as a person names it, for instance `quay.io/coreos/etcd` or `busybox`.
///
/// It keeps the text as written and knows the full name: `busybox` is `docker.io/library/busybox`.
/// Names are equal if they mean one repository, see [`Host`]. Cheap to clone.
///
/// The grammar is that of [`Reference`] without tag and digest. It is checked by hand: the type's
/// regular expression takes milliseconds to compile and gives no reason.
#[derive(Clone)]
pub struct RepositoryName(Arc<Parts>);

struct Parts {
    written: Box<str>,
    host: Host,
    path: RepositoryPath,
}

/// The reason why a text is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryNameError {
    /// The text is empty.
    #[error("the name is empty: write a repository such as `quay.io/org/image`")]
    Empty,
    /// The text begins with `scheme://`.
    #[error(
        "`{scheme}://` is not allowed in a name: write host and path, such as `quay.io/org/image`"
    )]
    Scheme {
        /// The text before `://`.
        scheme: String,
    },
    /// The text is `HOST:PORT`.
    #[error("{host} is a host without a repository; write {host}/REPOSITORY")]
    HostOnly {
        /// The text.
        host: String,
    },
    /// The text ends in `:TAG`.
    #[error("the tag `{tag}` is not part of a repository name")]
    Tag {
        /// The text after the colon.
        tag: String,
    },
    /// The text has an `@`.
    #[error("a digest is not part of a repository name")]
    Digest,
    /// The component before the first `/` looks like a host and is not one.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The path has an upper case letter.
    #[error("upper case letters are not allowed in a repository: did you mean `{lower}`?")]
    Uppercase {
        /// The text in lower case.
        lower: String,
    },
    /// The path is outside the grammar.
    #[error(transparent)]
    Path(RepositoryPathError),
}

impl RepositoryName {
    /// Creates the full name of a repository from its host and its path there.
    #[must_use]
    pub fn new(host: Host, path: RepositoryPath) -> Self {
        let written = [host.as_str(), "/", path.as_str()].concat().into();
        Self(Arc::new(Parts {
            written,
            host,
            path,
        }))
    }

    /// Returns the text as written, for instance `busybox`.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0.written
    }

    /// Returns the registry's host, `docker.io` for Docker Hub.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// Returns the path at the host, for instance `library/busybox`.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        &self.0.path
    }

    /// Returns the full name, for instance `docker.io/library/busybox`.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}/{}", self.0.host, self.0.path)
    }

    /// Returns the full name without the default port of its host: the same text for `quay.io/a` and
    /// `quay.io:443/a`, which patterns are compared with.
    #[must_use]
    pub fn without_default_port(&self) -> String {
        format!("{}/{}", self.0.host.without_default_port(), self.0.path)
    }

    /// Returns the reference to a manifest of this repository.
    #[must_use]
    pub fn reference(&self, manifest: &ManifestReference) -> Reference {
        let (host, path) = (self.0.host.to_string(), self.0.path.to_string());
        match manifest {
            ManifestReference::Tag(tag) => Reference::with_tag(host, path, tag.to_string()),
            ManifestReference::Digest(digest) => {
                Reference::with_digest(host, path, digest.to_string())
            }
        }
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        refuse_other_forms(text)?;
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if is_host(first) => (first.parse()?, rest),
            _ => (Host::docker_hub(), text),
        };
        let path = parse_path(text, &host, path)?;
        let written = text.into();
        Ok(Self(Arc::new(Parts {
            written,
            host,
            path,
        })))
    }
}

/// Returns an error for text that names an image in another way than by its repository.
fn refuse_other_forms(text: &str) -> Result<(), RepositoryNameError> {
    if text.is_empty() {
        return Err(RepositoryNameError::Empty);
    }
    if let Some((scheme, _)) = text.split_once("://") {
        let scheme = scheme.to_owned();
        return Err(RepositoryNameError::Scheme { scheme });
    }
    if text.contains('@') {
        return Err(RepositoryNameError::Digest);
    }
    if is_host_and_port(text) {
        let host = text.to_owned();
        return Err(RepositoryNameError::HostOnly { host });
    }
    let last = text.rsplit('/').next().unwrap_or(text);
    if let Some((_, tag)) = last.split_once(':') {
        let tag = tag.to_owned();
        return Err(RepositoryNameError::Tag { tag });
    }
    Ok(())
}

/// Parses the path of the name `text`. At Docker Hub, a path of one component is below `library/`.
fn parse_path(text: &str, host: &Host, path: &str) -> Result<RepositoryPath, RepositoryNameError> {
    let parsed = path.parse::<RepositoryPath>();
    let parsed = match parsed {
        Ok(path) if host.is_docker_hub() && path.components().count() == 1 => {
            format!("library/{path}").parse()
        }
        parsed => parsed,
    };
    parsed.map_err(|error| match error {
        RepositoryPathError::Uppercase { .. } => RepositoryNameError::Uppercase {
            lower: text.to_ascii_lowercase(),
        },
        RepositoryPathError::Empty => {
            RepositoryNameError::Path(RepositoryPathError::EmptyComponent)
        }
        error => RepositoryNameError::Path(error),
    })
}

impl PartialEq for RepositoryName {
    fn eq(&self, other: &Self) -> bool {
        // Rows of one mapping share the names that were parsed once.
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.path == other.0.path && self.0.host == other.0.host)
    }
}

impl Eq for RepositoryName {}

impl Hash for RepositoryName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.host.hash(state);
        self.0.path.hash(state);
    }
}

/// Writes the text as written.
impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_written())
    }
}

impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepositoryName({})", self.as_written())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_have_a_host_and_a_path() {
        for (text, host, path) in [
            ("busybox", "docker.io", "library/busybox"),
            ("docker.io/busybox", "docker.io", "library/busybox"),
            ("index.docker.io/a/b", "docker.io", "a/b"),
            ("registry-1.docker.io/a", "docker.io", "library/a"),
            ("a/b/c", "docker.io", "a/b/c"),
            ("QUAY.io/a", "quay.io", "a"),
            ("localhost/a", "localhost", "a"),
            ("host:5000/a", "host:5000", "a"),
            (
                "127.0.0.1:5000/a---b/c__d.e_f",
                "127.0.0.1:5000",
                "a---b/c__d.e_f",
            ),
            ("test.com", "docker.io", "library/test.com"),
        ] {
            let name: RepositoryName = text.parse().unwrap();
            assert_eq!((name.host().as_str(), name.path().as_str()), (host, path));
            assert_eq!(name.full(), format!("{host}/{path}"));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn text_outside_the_grammar_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "the name is empty"),
            ("https://quay.io/a", "`https://` is not allowed"),
            ("quay.io/a:v1", "the tag `v1` is not part"),
            ("host:5000", "the tag `5000` is not part"),
            (
                "localhost:5000",
                "localhost:5000 is a host without a repository",
            ),
            ("LOCALHOST:5000", "write LOCALHOST:5000/REPOSITORY"),
            ("127.0.0.1:5000", "write 127.0.0.1:5000/REPOSITORY"),
            ("[::1]:5000", "write [::1]:5000/REPOSITORY"),
            ("r.io:99999", "write r.io:99999/REPOSITORY"),
            ("r.io:v5000", "the tag `v5000` is not part"),
            ("r.io:5000/a:1", "the tag `1` is not part"),
            ("a@sha256:00", "a digest is not part"),
            ("under_score.io/a", "`under_score.io` is not a host"),
            ("host:99999/a", "`host:99999` is not a host"),
            ("host:/a", "`host:` is not a host"),
            ("-a.io/a", "`-a.io` is not a host"),
            ("[::1:5000/a", "`[::1:5000` is not a host"),
            ("quay.io/Org/a", "did you mean `quay.io/org/a`?"),
            ("Org/a", "did you mean `org/a`?"),
            ("<SOURCE>", "'<' is not allowed"),
            ("quay.io/a\u{a0}b", r"'\u{a0}' is not allowed"),
            ("quay.io//a", "empty component"),
            ("quay.io/", "empty component"),
            ("a/", "empty component"),
            ("/a", "empty component"),
            ("a..b", "`a..b` is not a component"),
            ("x/-a", "`-a` is not a component"),
            ("a___b", "`a___b` is not a component"),
            ("a._b", "`a._b` is not a component"),
        ] {
            let message = text.parse::<RepositoryName>().unwrap_err().to_string();
            assert!(message.contains(reason), "{text}: {message}");
        }
        let name = |length| format!("quay.io/{}", "a".repeat(length)).parse::<RepositoryName>();
        assert!(name(255).is_ok());
        let too_long = RepositoryPathError::TooLong { length: 256 };
        assert_eq!(name(256), Err(RepositoryNameError::Path(too_long)));
    }

    #[test]
    fn names_of_one_repository_are_equal() {
        let forms = [
            "busybox",
            "docker.io/busybox",
            "DOCKER.IO/library/busybox",
            "library/busybox",
            "registry-1.docker.io/library/busybox",
            "docker.io:443/busybox",
        ];
        let names: HashSet<RepositoryName> = forms.iter().map(|s| s.parse().unwrap()).collect();
        assert_eq!(names.len(), 1);
        let busybox: RepositoryName = "busybox".parse().unwrap();
        for other in ["quay.io/library/busybox", "busybox/busybox"] {
            assert_ne!(busybox, other.parse().unwrap());
        }
    }

    #[test]
    fn references_have_the_full_name() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let name: RepositoryName = "busybox".parse().unwrap();
        for (manifest, reference) in [
            ("1.36", "docker.io/library/busybox:1.36".to_owned()),
            (&digest, format!("docker.io/library/busybox@{digest}")),
        ] {
            let ours = name.reference(&manifest.parse().unwrap());
            assert_eq!(ours, reference.parse().unwrap());
        }
    }

    /// The names in which [`RepositoryName`] is stricter than [`Reference`], which accepts any
    /// first component that could be a host, and any port.
    fn has_odd_host(text: &str) -> bool {
        let first = text.split_once('/').map_or("", |(first, _)| first);
        let unmarked =
            first.bytes().any(|byte| byte.is_ascii_uppercase()) && !first.contains(['.', ':']);
        let invalid = first.contains('.') && first.parse::<Host>().is_err();
        let port = first.split_once(':').map_or("0", |(_, port)| port);
        unmarked || invalid || port.parse::<u16>().is_err()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn parsing_agrees_with_the_reference_type(
            text in "([a-cB.:_/-]|[a0]|localhost/|docker\\.io/|q\\.io(:1)?/|--|__){1,9}"
        ) {
            prop_assume!(!has_odd_host(&text));
            let theirs = Reference::try_from(format!("{text}:tag"));
            match text.parse::<RepositoryName>() {
                Ok(name) => {
                    let theirs = theirs.unwrap();
                    prop_assert_eq!(theirs.registry().to_ascii_lowercase(), name.host().as_str());
                    prop_assert_eq!(theirs.repository(), name.path().as_str());
                }
                Err(error) => prop_assert!(theirs.is_err(), "{text}: {error}"),
            }
        }
    }
}
