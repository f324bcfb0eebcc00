//! The prefix of a target.

use std::fmt;
use std::str::FromStr;

use image_name::{
    Host, HostError, RepositoryName, RepositoryNameError, RepositoryPath, RepositoryPathError,
    is_host,
};

/// The part of a target's repositories before the path of a row: `HOST[/PATH]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TargetPrefix {
    host: Host,
    path: Option<RepositoryPath>,
}

/// The reason why a text is not a prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetPrefixError {
    /// The text has a scheme.
    #[error("`{scheme}://` is not allowed: write host and path, such as `docker.io/org`")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The first component is not a host.
    #[error("`{first}` is not a host: write HOST/PATH, such as `docker.io/{first}`")]
    NoHost {
        /// The first component.
        first: String,
    },
    /// The host is invalid.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The path is invalid.
    #[error("{0}")]
    Path(#[from] RepositoryPathError),
}

impl TargetPrefix {
    /// Returns the host of the target's repositories.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the repository with a path after the prefix.
    ///
    /// # Errors
    ///
    /// [`RepositoryNameError`] if the path is too long.
    pub fn repository(&self, path: &RepositoryPath) -> Result<RepositoryName, RepositoryNameError> {
        match &self.path {
            Some(prefix) => {
                let path = prefix.join(path).map_err(RepositoryNameError::Path)?;
                Ok(RepositoryName::new(self.host.clone(), path))
            }
            // At Docker Hub, a path of one component is in the organization `library`.
            None => format!("{self}/{path}").parse(),
        }
    }
}

impl FromStr for TargetPrefix {
    type Err = TargetPrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((scheme, _)) = text.split_once("://") {
            let scheme = scheme.to_owned();
            return Err(TargetPrefixError::Scheme { scheme });
        }
        let (host, path) = match text.split_once('/') {
            Some((host, path)) => (host, Some(path)),
            None => (text, None),
        };
        if !is_host(host) {
            let first = host.to_owned();
            return Err(TargetPrefixError::NoHost { first });
        }
        Ok(Self {
            host: host.parse()?,
            path: path.map(str::parse).transpose()?,
        })
    }
}

impl fmt::Display for TargetPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}/{path}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_put_before_paths() {
        for (prefix, path, want) in [
            ("docker.io/rancher", "a", "docker.io/rancher/a"),
            ("index.docker.io/rancher", "a/b", "docker.io/rancher/a/b"),
            ("localhost:5000", "a", "localhost:5000/a"),
            ("r.io/x/y", "a", "r.io/x/y/a"),
            // The same as in a list.
            ("docker.io", "a", "docker.io/library/a"),
        ] {
            let prefix: TargetPrefix = prefix.parse().unwrap();
            let repository = prefix.repository(&path.parse().unwrap()).unwrap();
            assert_eq!(repository.full(), want);
        }
        let long: TargetPrefix = format!("r.io/{}", "a".repeat(250)).parse().unwrap();
        assert!(long.repository(&"b".repeat(10).parse().unwrap()).is_err());
    }

    #[test]
    fn text_outside_the_grammar_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "`` is not a host"),
            ("rancher", "write HOST/PATH, such as `docker.io/rancher`"),
            ("rancher/x", "`rancher` is not a host"),
            ("https://r.io/x", "`https://` is not allowed"),
            ("r.io/", "the repository is empty"),
            ("r.io/X", "letters must be lower case"),
            ("r.io/x:1", "':' is not allowed"),
            ("r.io:x/y", "`r.io:x` is not a host"),
        ] {
            let error = text.parse::<TargetPrefix>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
