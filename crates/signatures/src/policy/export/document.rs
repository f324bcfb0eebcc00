//! The text of an exported policy.

use super::copies::{Copy, grouped};
use super::format::ExportFormat;
use super::problem::ExportProblem;
use super::{containers_policy, kyverno, policy_controller};
use crate::policy::policy::Policy;

/// Returns the text of a policy for the copies of a mirror.
///
/// # Errors
///
/// All requirements that the format cannot express.
pub fn export(
    policy: &Policy,
    copies: &[Copy],
    format: ExportFormat,
) -> Result<String, Vec<ExportProblem>> {
    let scopes = grouped(policy, copies);
    match format {
        ExportFormat::ContainersPolicy => containers_policy::export(policy, &scopes),
        ExportFormat::Kyverno(form) => kyverno::export(&scopes, form),
        ExportFormat::PolicyController => policy_controller::export(&scopes),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
