//! Requirements that a format cannot express.

/// A requirement that a format cannot express. Nothing is exported then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{scope} (line {line} of the policy): {reason}")]
pub struct ExportProblem {
    /// The copies in the mirror.
    pub scope: String,
    /// The line of the rule in the policy.
    pub line: usize,
    /// The reason.
    pub reason: String,
}
