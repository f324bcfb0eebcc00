//! The formats of exported policies.

use std::fmt;

/// The format of an exported policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// containers-policy.json(5), for podman, skopeo, CRI-O and others. It knows keys and classic signatures.
    ContainersPolicy,
    /// A `ClusterPolicy` of Kyverno.
    Kyverno(KeylessForm),
    /// `ClusterImagePolicy` objects of Sigstore's policy-controller. It knows classic signatures.
    PolicyController,
}

/// The form of the keyless signatures that Kyverno looks for: a rule of Kyverno knows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeylessForm {
    /// Bundles that refer to the image (cosign 3).
    Bundle,
    /// Tags `sha256-HEX.sig` (cosign 2).
    Classic,
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContainersPolicy => "containers-policy",
            Self::Kyverno(_) => "kyverno",
            Self::PolicyController => "policy-controller",
        })
    }
}
