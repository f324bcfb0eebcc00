//! The text of an exported policy.

use super::copies::{Copy, Scope, grouped};
use super::format::ExportFormat;
use super::problem::ExportProblem;
use super::{containers_policy, kyverno, policy_controller};
use crate::policy::policy::{Decision, Policy};

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
    let problems: Vec<_> = scopes.iter().filter_map(own_trust).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    match format {
        ExportFormat::ContainersPolicy => containers_policy::export(policy, &scopes),
        ExportFormat::Kyverno(form) => kyverno::export(&scopes, form),
        ExportFormat::PolicyController => policy_controller::export(&scopes),
    }
}

/// Returns the problem of a requirement with a trusted root of its own, which the formats name in other ways.
fn own_trust(scope: &Scope<'_>) -> Option<ExportProblem> {
    let Decision::Signed(all) = scope.rule.decision() else {
        return None;
    };
    let mut all = all.iter();
    let found = all.find(|requirement| requirement.trust.is_some());
    found.map(|_| {
        scope.problem("the authorities and logs of a containers-policy.json(5) cannot be exported")
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
