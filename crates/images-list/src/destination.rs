//! The second column of a row: `REPOSITORY | @NAME[,NAME…]/PATH`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use image_name::{RepositoryName, RepositoryNameError, RepositoryPath, RepositoryPathError};

/// The mark before the names of targets.
const MARK: char = '@';

/// The destination of a row: a repository, or a path at targets.
///
/// ```
/// use images_list::Destination;
///
/// let destination: Destination = "@hub,prime/mirrored-coreos-etcd".parse()?;
/// let targets = destination.targets().ok_or("a repository")?;
/// assert_eq!(targets.names().iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["hub", "prime"]);
/// assert_eq!(targets.path().as_str(), "mirrored-coreos-etcd");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two repositories are equal if they are the same one, whatever their spelling. Two paths at targets are
/// equal if their texts are. [`Targets::expand`](crate::Targets::expand) returns the repositories of a path
/// at targets. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Destination {
    /// A repository with its host.
    Repository(RepositoryName),
    /// A path at targets.
    Targets(TargetPath),
}

/// A path at targets: `@NAME[,NAME…]/PATH`, as written.
#[derive(Clone)]
pub struct TargetPath(Arc<Parts>);

struct Parts {
    written: String,
    names: Vec<TargetName>,
    path: RepositoryPath,
}

/// The name of a target or of a group of targets: letters, digits, `.`, `_` and `-`, beginning with a
/// letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName(Arc<str>);

/// The reason why a text is not the name of a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not the name of a target: use letters, digits, `.`, `_` and `-`, and begin with a letter \
     or digit", .name.escape_debug()
)]
pub struct TargetNameError {
    /// The text.
    pub name: String,
}

/// The reason why a text is not the destination of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// The text is not a repository.
    #[error(transparent)]
    Repository(#[from] RepositoryNameError),
    /// The path after the names of targets is missing.
    #[error("the path is missing: write @NAME/PATH, such as `@hub/mirrored-coreos-etcd`")]
    NoPath,
    /// A name is not the name of a target.
    #[error(transparent)]
    Name(#[from] TargetNameError),
    /// A name is written twice.
    #[error("the target `{name}` is written twice")]
    Twice {
        /// The name.
        name: TargetName,
    },
    /// The part after the names is not a path.
    #[error("{0}")]
    Path(RepositoryPathError),
    /// The path ends with a tag or a digest.
    #[error("the tag or digest `{text}` is not part of a destination")]
    Tag {
        /// The tag or digest.
        text: String,
    },
}

impl Destination {
    /// Returns the text of the column.
    #[must_use]
    pub fn as_written(&self) -> &str {
        match self {
            Self::Repository(name) => name.as_written(),
            Self::Targets(targets) => targets.as_written(),
        }
    }

    /// Returns the path of the repository at its host, or the path at the targets.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        match self {
            Self::Repository(name) => name.path(),
            Self::Targets(targets) => targets.path(),
        }
    }

    /// Returns the repository; `None` for a path at targets.
    #[must_use]
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Repository(name) => Some(name),
            Self::Targets(_) => None,
        }
    }

    /// Returns the path at targets; `None` for a repository.
    #[must_use]
    pub fn targets(&self) -> Option<&TargetPath> {
        match self {
            Self::Repository(_) => None,
            Self::Targets(targets) => Some(targets),
        }
    }

    /// Returns the full name of the repository with its host, or the text of a path at targets.
    #[must_use]
    pub fn full(&self) -> String {
        match self {
            Self::Repository(name) => name.full(),
            Self::Targets(targets) => targets.as_written().to_owned(),
        }
    }
}

impl From<RepositoryName> for Destination {
    fn from(name: RepositoryName) -> Self {
        Self::Repository(name)
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(MARK) {
            None => Ok(Self::Repository(text.parse()?)),
            Some(rest) => TargetPath::parse(text, rest).map(Self::Targets),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_written())
    }
}

impl TargetPath {
    /// Creates a path at targets.
    pub(crate) fn new(names: Vec<TargetName>, path: RepositoryPath) -> Self {
        let list: Vec<&str> = names.iter().map(TargetName::as_str).collect();
        let written = format!("{MARK}{}/{path}", list.join(","));
        Self(Arc::new(Parts {
            written,
            names,
            path,
        }))
    }

    fn parse(written: &str, rest: &str) -> Result<Self, DestinationError> {
        let (list, path) = rest.split_once('/').ok_or(DestinationError::NoPath)?;
        let mut names: Vec<TargetName> = Vec::new();
        for name in list.split(',') {
            let name: TargetName = name.parse()?;
            if names.contains(&name) {
                return Err(DestinationError::Twice { name });
            }
            names.push(name);
        }
        if path.is_empty() {
            return Err(DestinationError::NoPath);
        }
        let last = path.rsplit('/').next().unwrap_or(path);
        if let Some((_, text)) = last.split_once([':', '@']) {
            let text = text.to_owned();
            return Err(DestinationError::Tag { text });
        }
        let path = path.parse().map_err(DestinationError::Path)?;
        let written = written.to_owned();
        Ok(Self(Arc::new(Parts {
            written,
            names,
            path,
        })))
    }

    /// Returns the text, with the `@`.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0.written
    }

    /// Returns the names of targets and groups. There is at least one, and none is written twice.
    #[must_use]
    pub fn names(&self) -> &[TargetName] {
        &self.0.names
    }

    /// Returns the path after the prefix of each target.
    #[must_use]
    pub fn path(&self) -> &RepositoryPath {
        &self.0.path
    }
}

impl PartialEq for TargetPath {
    fn eq(&self, other: &Self) -> bool {
        // Rows of one mapping share the path that was parsed once.
        Arc::ptr_eq(&self.0, &other.0) || self.0.written == other.0.written
    }
}

impl Eq for TargetPath {}

impl Hash for TargetPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.written.hash(state);
    }
}

impl fmt::Debug for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetPath({})", self.as_written())
    }
}

impl TargetName {
    /// Returns the name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TargetName {
    type Err = TargetNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.chars().all(allowed) {
            Ok(Self(text.into()))
        } else {
            let name = text.to_owned();
            Err(TargetNameError { name })
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn destinations_are_repositories_or_paths_at_targets() {
        for (text, names, path) in [
            ("@hub/a", "hub", "a"),
            ("@hub,prime-2/a/b_c", "hub,prime-2", "a/b_c"),
            ("@Hub.eu_1/a", "Hub.eu_1", "a"),
        ] {
            let destination: Destination = text.parse().unwrap();
            let targets = destination.targets().unwrap();
            let written: Vec<_> = targets.names().iter().map(TargetName::as_str).collect();
            assert_eq!(
                (written.join(","), targets.path().as_str()),
                (names.to_owned(), path)
            );
            assert_eq!(destination.to_string(), text);
            assert_eq!(destination.repository(), None);
        }
        let repository: Destination = "quay.io/a/b".parse().unwrap();
        assert_eq!(repository.repository().unwrap().full(), "quay.io/a/b");
        assert_eq!(repository, "QUAY.io/a/b".parse().unwrap());
    }

    #[test]
    fn text_outside_the_grammar_is_refused_with_a_reason() {
        for (text, reason) in [
            ("@", "the path is missing"),
            ("@hub", "the path is missing"),
            ("@hub/", "the path is missing"),
            ("@/a", "`` is not the name of a target"),
            ("@hub,/a", "`` is not the name of a target"),
            ("@-hub/a", "`-hub` is not the name of a target"),
            ("@hub,hub/a", "the target `hub` is written twice"),
            (
                "@hub/a:1",
                "the tag or digest `1` is not part of a destination",
            ),
            (
                "@hub/a@sha256:0",
                "the tag or digest `sha256:0` is not part",
            ),
            ("@hub/A", "letters must be lower case"),
            ("@hub/a//b", "empty component"),
            ("@hub/a_-b", "`a_-b` is not a component"),
            ("@hub:5000/a", "`hub:5000` is not the name of a target"),
            ("hub,prime/a", "',' is not allowed"),
        ] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn paths_at_targets_are_equal_if_written_alike() {
        let parse = |text: &str| text.parse::<Destination>().unwrap();
        assert_eq!(parse("@a,b/x"), parse("@a,b/x"));
        assert_ne!(parse("@a,b/x"), parse("@b,a/x"));
        let names = ["a", "b"].map(|name| name.parse().unwrap()).to_vec();
        let built = TargetPath::new(names, "x".parse().unwrap());
        assert_eq!(Destination::Targets(built), parse("@a,b/x"));
    }

    proptest! {
        #[test]
        fn parsed_destinations_are_written_back(text in "@?[a-b.,-]{0,4}/?[a-b/_.:-]{0,5}") {
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert_eq!(destination.to_string(), text.clone());
                prop_assert_eq!(destination.targets().is_some(), text.starts_with('@'));
            }
        }
    }
}
