//! containers-policy.json(5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::copies::{Scope, pem};
use super::problem::ExportProblem;
use crate::policy::policy::{Decision, Policy};
use crate::requirement::{Requirement, Signers};

/// Returns the policy as JSON.
pub(super) fn export(policy: &Policy, scopes: &[Scope<'_>]) -> Result<String, Vec<ExportProblem>> {
    let mut docker = Map::new();
    let mut problems = Vec::new();
    for scope in scopes {
        let requirements = match scope.rule.decision() {
            Decision::Reject => Ok(vec![json!({"type": "reject"})]),
            Decision::Unsigned => Ok(vec![json!({"type": "insecureAcceptAnything"})]),
            Decision::Signed(all) => {
                let all = all.iter().map(|one| signed(one, scope));
                all.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
            }
        };
        match requirements {
            Ok(requirements) => {
                docker.insert(scope.name(), requirements.into());
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut rules = policy.rules();
    let rejects = rules.any(|rule| rule.is_default && matches!(rule.decision(), Decision::Reject));
    let default = if rejects {
        "reject"
    } else {
        "insecureAcceptAnything"
    };
    let document = json!({"default": [{"type": default}], "transports": {"docker": docker}});
    Ok(format!("{document:#}\n"))
}

/// Returns the requirements of one rule, which must all hold.
fn signed(requirement: &Requirement, scope: &Scope<'_>) -> Result<Vec<Value>, ExportProblem> {
    let Signers::Keys(signers) = &requirement.signers else {
        return Err(scope.problem(
            "containers-policy.json(5) cannot name the identity of a workflow: use kyverno or policy-controller",
        ));
    };
    if !requirement.attestations.is_empty() {
        return Err(scope.problem("containers-policy.json(5) cannot require attestations"));
    }
    let keys = signers.keys.iter().map(|key| STANDARD.encode(pem(key)));
    let keys: Vec<String> = keys.collect();
    // A signature of cosign names the repository of the source and no tag. With remapIdentity, containers/image
    // requires a tag.
    let identity = json!({"type": "exactRepository", "dockerRepository": scope.source.full()});
    let one = |key: &str, value: Value| {
        let mut requirement = json!({"type": "sigstoreSigned"});
        requirement[key] = value;
        requirement["signedIdentity"] = identity.clone();
        requirement
    };
    match (signers.threshold, &keys[..]) {
        (1, [key]) => Ok(vec![one("keyData", key.as_str().into())]),
        (1, keys) => Ok(vec![one("keyDatas", keys.into())]),
        (threshold, keys) if threshold == keys.len() => {
            let all = keys.iter().map(|key| one("keyData", key.as_str().into()));
            Ok(all.collect())
        }
        (threshold, keys) => Err(scope.problem(format!(
            "containers-policy.json(5) cannot require {threshold} of {} keys",
            keys.len()
        ))),
    }
}
