//! The forms in which signatures are attached.

use std::fmt;

/// The form of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureFormat {
    /// The tag `sha256-HEX.sig` or `.att` of cosign.
    Classic,
    /// A Sigstore bundle, version 0.1.
    BundleV01,
    /// A Sigstore bundle, version 0.2.
    BundleV02,
    /// A Sigstore bundle, version 0.3.
    BundleV03,
}

impl SignatureFormat {
    /// Returns the name for reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "cosign-tag",
            Self::BundleV01 => "sigstore-bundle-v0.1",
            Self::BundleV02 => "sigstore-bundle-v0.2",
            Self::BundleV03 => "sigstore-bundle-v0.3",
        }
    }
}

impl fmt::Display for SignatureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
