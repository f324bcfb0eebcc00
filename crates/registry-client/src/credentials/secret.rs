//! A text that must not be shown.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A password or token: no `Display`, no `Serialize`, a `Debug` without the
/// content, and memory that is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The content, for the one place that sends or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
