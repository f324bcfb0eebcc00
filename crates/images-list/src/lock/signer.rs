//! The signer of an approved image, a column of the lock.

use std::fmt;
use std::str::FromStr;

/// The key of the column `signer=NAME`.
pub(super) const KEY: &str = "signer";

/// The signer of an approved image: the identity in a certificate, or the fingerprint of a key.
///
/// As a column of the lock, it has neither whitespace nor control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer(String);

/// The error for a text that cannot be a column of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signer has neither whitespace nor control characters")]
pub struct SignerError;

impl Signer {
    /// Returns the column.
    pub(super) fn column(&self) -> String {
        format!("{KEY}={self}")
    }
}

impl FromStr for Signer {
    type Err = SignerError;

    fn from_str(name: &str) -> Result<Self, SignerError> {
        let is_invalid = |c: char| c.is_whitespace() || c.is_control();
        match name.is_empty() || name.contains(is_invalid) {
            true => Err(SignerError),
            false => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
