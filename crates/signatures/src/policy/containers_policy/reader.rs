//! The conversion of a containers-policy.json(5) to a policy.

use strict_json::{Located, NamedMap, NonEmpty, Object, ObjectReader, Problems, Value};

use super::fields::{PolicyFields, RequirementFields, Scopes};
use super::sigstore_signed::sigstore_signed;
use crate::policy::key_files::KeyFiles;
use crate::policy::policy::{Decision, Policy, Rule};
use crate::policy::source_pattern::SourcePattern;

/// The transport of registries.
const REGISTRIES: &str = "docker";

/// Returns true if the root object is that of a containers-policy.json(5), and not of a policy.json.
pub(in crate::policy) fn is_containers_policy(root: &Object<'_>) -> bool {
    let has_list = root
        .get("default")
        .is_some_and(|default| matches!(default.value, Value::Array(_)));
    root.get("images").is_none() && (has_list || root.get("transports").is_some())
}

/// Reads the requirements of registries. The most specific scope decides, so it is the first rule.
pub(in crate::policy) fn read(
    root: Object<'_>,
    keys: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Policy> {
    let root = Value::Object(root);
    let fields = ObjectReader::new(&root, "policy", problems)?;
    let fields = PolicyFields::read(fields, problems);
    let mut rules = Vec::new();
    let transports = fields.transports.iter();
    let transports = transports.flat_map(|transports| &transports.value.0);
    for (transport, Scopes(NamedMap(scopes))) in transports {
        // Other transports are no registries.
        if transport.value != REGISTRIES {
            continue;
        }
        for (scope, NonEmpty(requirements)) in scopes {
            let name = format!("scope `{}`", scope.value);
            let decision = problems.within(name, |problems| decision(requirements, keys, problems));
            let line = problems.position(scope.offset).0;
            rules.extend(decision.map(|decision| Rule {
                pattern: SourcePattern::for_scope(&scope.value),
                decision,
                line,
                is_default: false,
            }));
        }
    }
    rules.sort_by_cached_key(|rule| specificity(&rule.pattern.to_string()));
    let default = fields.default.as_ref()?;
    let NonEmpty(requirements) = &default.value;
    let decision = problems.within("`default`".to_owned(), |problems| {
        decision(requirements, keys, problems)
    });
    Some(Policy {
        rules,
        default: Rule {
            pattern: SourcePattern::any().ok()?,
            decision: decision?,
            line: problems.position(default.offset).0,
            is_default: true,
        },
    })
}

/// Returns the order in which scopes are tried: images and paths, hosts with a wildcard, everything; the
/// longer one first.
fn specificity(scope: &str) -> (u8, std::cmp::Reverse<usize>) {
    let class = match scope {
        "" => 2,
        scope if scope.starts_with('*') => 1,
        _ => 0,
    };
    (class, std::cmp::Reverse(scope.len()))
}

/// Returns the decision that all requirements of a list make together.
fn decision(
    requirements: &[Located<RequirementFields>],
    keys: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Decision> {
    let mut decisions = Vec::new();
    for requirement in requirements {
        decisions.push(read_requirement(requirement, keys, problems));
    }
    let decisions: Option<Vec<_>> = decisions.into_iter().collect();
    let joined = decisions?.into_iter().fold(Decision::Unsigned, both);
    Some(joined)
}

fn both(one: Decision, other: Decision) -> Decision {
    match (one, other) {
        (Decision::Reject, _) | (_, Decision::Reject) => Decision::Reject,
        (Decision::Unsigned, other) | (other, Decision::Unsigned) => other,
        (Decision::Signed(mut all), Decision::Signed(more)) => {
            all.extend(more);
            Decision::Signed(all)
        }
    }
}

fn read_requirement(
    requirement: &Located<RequirementFields>,
    keys: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Decision> {
    let fields = &requirement.value;
    let kind = fields.kind.as_ref()?;
    match kind.value.as_str() {
        "insecureAcceptAnything" => Some(Decision::Unsigned),
        "reject" => Some(Decision::Reject),
        "sigstoreSigned" => {
            let requirement = sigstore_signed(requirement, keys, problems)?;
            Some(Decision::Signed(vec![requirement]))
        }
        "signedBy" => {
            problems.add(
                kind.offset,
                "`signedBy` (GPG signatures) cannot be verified: use `sigstoreSigned`",
            );
            None
        }
        other => {
            let other = other.escape_debug();
            problems.add(kind.offset, format!("unknown requirement `{other}`"));
            None
        }
    }
}
