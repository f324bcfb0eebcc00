//! The name of a credential helper: `docker-credential-NAME`.

use std::fmt;

/// A name that is one component of a path and needs no quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct HelperName(String);

/// Why a text is no name of a helper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name of a credential helper (letters, digits, `.`, `_` and `-`)")]
pub struct HelperNameError {
    name: String,
}

impl HelperName {
    pub(super) fn parse(name: &str) -> Result<Self, HelperNameError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            return Err(HelperNameError { name: name.into() });
        }
        Ok(Self(name.into()))
    }

    /// The name of the executable.
    pub(super) fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
