//! The decision of the policy about a copy.

use crate::registries::signature_check::ReportVerification;

/// The decision of the policy about the copy at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CopyVerification {
    /// The policy accepts the image without a signature.
    Unsigned,
    /// The copy has the required signatures.
    Verified(ReportVerification),
    /// The copy does not satisfy the policy.
    Rejected(String),
    /// A request failed.
    Failed(String),
}

impl CopyVerification {
    /// Returns the reason why the copy is not verified.
    pub(super) fn problem(&self) -> Option<&str> {
        match self {
            Self::Unsigned | Self::Verified(_) => None,
            Self::Rejected(message) | Self::Failed(message) => Some(message),
        }
    }
}
