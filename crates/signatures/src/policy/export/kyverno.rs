//! A `ClusterPolicy` of Kyverno.

use serde_json::{Value, json};

use super::copies::{Scope, pem};
use super::format::KeylessForm;
use super::problem::ExportProblem;
use super::yaml::to_yaml;
use crate::policy::policy::{Decision, Rule};
use crate::requirement::{IdentityMatcher, Requirement, SignedBy, Signers};

/// Returns the policy as YAML: one rule for each rule of the policy that decides about copies.
pub(super) fn export(
    scopes: &[Scope<'_>],
    form: KeylessForm,
) -> Result<String, Vec<ExportProblem>> {
    let mut rules: Vec<(&Rule, Vec<&Scope<'_>>)> = Vec::new();
    for scope in scopes {
        let known = rules
            .iter_mut()
            .find(|(rule, _)| std::ptr::eq(*rule, scope.rule));
        match known {
            Some((_, scopes)) => scopes.push(scope),
            None => rules.push((scope.rule, vec![scope])),
        }
    }
    let mut problems = Vec::new();
    let mut exported = Vec::new();
    for (rule, scopes) in rules {
        match rule.decision() {
            Decision::Unsigned => {}
            Decision::Reject => {
                let reason = "the policy rejects the source: remove its rows";
                problems.extend(scopes.iter().map(|scope| scope.problem(reason)));
            }
            Decision::Signed(all) => {
                let images: Vec<String> =
                    scopes.iter().flat_map(|scope| references(scope)).collect();
                for requirement in all {
                    exported.push(json!({
                        "name": format!("mirror-{}", exported.len() + 1),
                        "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
                        "verifyImages": [verification(requirement, &images, form)],
                    }));
                }
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(to_yaml(&json!({
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": "mirror-signatures"},
        "spec": {
            "background": false,
            "webhookConfiguration": {"failurePolicy": "Fail", "timeoutSeconds": 30},
            "rules": exported,
        },
    })))
}

/// Returns the patterns of a scope: the name with a tag or digest, and no longer name.
fn references(scope: &Scope<'_>) -> Vec<String> {
    let repository = scope.repository.full();
    match &scope.tag {
        Some(tag) => vec![
            format!("{repository}:{tag}"),
            format!("{repository}:{tag}@*"),
        ],
        None => vec![format!("{repository}:*"), format!("{repository}@*")],
    }
}

fn verification(requirement: &Requirement, images: &[String], form: KeylessForm) -> Value {
    // Bundles are verified with certificates only.
    let kind = match (&requirement.signers, form) {
        (Signers::Keyless(_), KeylessForm::Bundle) => "SigstoreBundle",
        (Signers::Keyless(_), KeylessForm::Classic) | (Signers::Keys(_), _) => "Cosign",
    };
    let mut verification = json!({
        "imageReferences": images,
        "type": kind,
        "failureAction": "Enforce",
        "required": true,
        "mutateDigest": true,
    });
    if requirement.signed_by == SignedBy::Signature {
        verification["attestors"] = json!([attestor(&requirement.signers)]);
    }
    let attestations = requirement.attestations.iter().map(|attestation| {
        let signers = attestation.signers.as_ref().unwrap_or(&requirement.signers);
        json!({"type": attestation.predicate_type, "attestors": [attestor(signers)]})
    });
    let attestations: Vec<Value> = attestations.collect();
    if !attestations.is_empty() {
        verification["attestations"] = attestations.into();
    }
    verification
}

fn attestor(signers: &Signers) -> Value {
    match signers {
        Signers::Keys(signers) => {
            // A signature with a key need not be logged.
            let entries = signers.keys.iter().map(|key| {
                json!({"keys": {
                    "publicKeys": pem(key),
                    "rekor": {"ignoreTlog": true},
                    "ctlog": {"ignoreSCT": true},
                }})
            });
            json!({"count": signers.threshold, "entries": entries.collect::<Vec<_>>()})
        }
        Signers::Keyless(signer) => {
            let mut keyless = json!({"issuer": signer.issuer});
            let key = match &signer.identity {
                IdentityMatcher::Exact(_) => "subject",
                IdentityMatcher::Pattern(_) => "subjectRegExp",
            };
            keyless[key] = signer.identity.to_string().into();
            keyless["rekor"] = json!({"url": "https://rekor.sigstore.dev"});
            json!({"count": 1, "entries": [{"keyless": keyless}]})
        }
    }
}
