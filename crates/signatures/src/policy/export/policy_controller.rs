//! `ClusterImagePolicy` objects of Sigstore's policy-controller.

use serde_json::{Value, json};

use super::copies::{Scope, pem};
use super::problem::ExportProblem;
use super::yaml::to_yaml;
use crate::policy::policy::Decision;
use crate::requirement::{IdentityMatcher, Requirement, SignedBy, Signers};

/// Returns the objects as a stream of YAML documents. All policies that match an image must admit it.
pub(super) fn export(scopes: &[Scope<'_>]) -> Result<String, Vec<ExportProblem>> {
    let mut problems = Vec::new();
    let mut documents = Vec::new();
    for scope in scopes {
        let authorities = match scope.rule.decision() {
            Decision::Unsigned => vec![vec![json!({"static": {"action": "pass"}})]],
            Decision::Reject => vec![vec![json!({"static": {"action": "fail"}})]],
            Decision::Signed(all) => {
                let mut policies = Vec::new();
                for requirement in all {
                    match authorities(requirement, scope) {
                        Ok(more) => policies.extend(more),
                        Err(problem) => problems.push(problem),
                    }
                }
                policies
            }
        };
        for authorities in authorities {
            let name = format!("mirror-{}", documents.len() + 1);
            documents.push(to_yaml(&json!({
                "apiVersion": "policy.sigstore.dev/v1beta1",
                "kind": "ClusterImagePolicy",
                "metadata": {"name": name},
                "spec": {"images": globs(scope), "authorities": authorities},
            })));
        }
    }
    match problems.is_empty() {
        true => Ok(documents.join("---\n")),
        false => Err(problems),
    }
}

/// Returns the patterns of a scope. The controller names Docker Hub `index.docker.io`.
fn globs(scope: &Scope<'_>) -> Vec<Value> {
    let full = scope.repository.full();
    let full = match full.strip_prefix("docker.io/") {
        Some(path) => format!("index.docker.io/{path}"),
        None => full,
    };
    let globs = match &scope.tag {
        Some(tag) => vec![format!("{full}:{tag}")],
        None => vec![format!("{full}:*"), format!("{full}@*")],
    };
    globs
        .into_iter()
        .map(|glob| json!({"glob": glob}))
        .collect()
}

/// Returns the authorities of each policy that a requirement needs: any one of a policy suffices.
fn authorities(
    requirement: &Requirement,
    scope: &Scope<'_>,
) -> Result<Vec<Vec<Value>>, ExportProblem> {
    let mut policies = match requirement.signed_by {
        SignedBy::Signature => signers(&requirement.signers, scope)?,
        SignedBy::Attestation => Vec::new(),
    };
    for attestation in &requirement.attestations {
        let of_signers = attestation.signers.as_ref().unwrap_or(&requirement.signers);
        for mut authorities in signers(of_signers, scope)? {
            for authority in &mut authorities {
                let predicate = &attestation.predicate_type;
                authority["attestations"] =
                    json!([{"name": "required", "predicateType": predicate}]);
            }
            policies.push(authorities);
        }
    }
    Ok(policies)
}

fn signers(signers: &Signers, scope: &Scope<'_>) -> Result<Vec<Vec<Value>>, ExportProblem> {
    match signers {
        Signers::Keys(signers) => {
            let keys = signers.keys.iter();
            let keys =
                keys.map(|key| json!({"key": {"data": pem(key), "hashAlgorithm": "sha256"}}));
            let keys: Vec<Value> = keys.collect();
            match signers.threshold {
                1 => Ok(vec![keys]),
                threshold if threshold == keys.len() => {
                    Ok(keys.into_iter().map(|key| vec![key]).collect())
                }
                threshold => Err(scope.problem(format!(
                    "policy-controller cannot require {threshold} of {} keys",
                    keys.len()
                ))),
            }
        }
        Signers::Keyless(signer) => {
            let mut identity = json!({"issuer": signer.issuer});
            let key = match &signer.identity {
                IdentityMatcher::Exact(_) => "subject",
                IdentityMatcher::Pattern(_) => "subjectRegExp",
            };
            identity[key] = signer.identity.to_string().into();
            Ok(vec![vec![json!({
                "keyless": {"url": "https://fulcio.sigstore.dev", "identities": [identity]},
                "ctlog": {"url": "https://rekor.sigstore.dev"},
            })]])
        }
    }
}
