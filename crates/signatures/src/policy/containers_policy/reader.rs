//! The conversion of a containers-policy.json(5) to a policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image_name::{ImageName, RepositoryName};
use strict_json::{Located, NamedMap, NonEmpty, Object, ObjectReader, Problems, Value};

use super::fields::{IdentityFields, KeySource, PolicyFields, RequirementFields, Scopes};
use crate::keys::PublicKey;
use crate::policy::key_files::KeyFiles;
use crate::policy::policy::{Decision, Policy, Rule};
use crate::policy::source_pattern::SourcePattern;
use crate::requirement::{KeySigners, Requirement, SignedIdentity, Signers};

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
        "sigstoreSigned" => sigstore_signed(requirement, keys, problems),
        "signedBy" => {
            problems.add(
                kind.offset,
                "`signedBy` (GPG signatures) cannot be verified: use `sigstoreSigned` with keys",
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

fn sigstore_signed(
    requirement: &Located<RequirementFields>,
    keys: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Decision> {
    let fields = &requirement.value;
    if let Some(unsupported) = &fields.unsupported {
        let message = format!(
            "`{}` cannot be honored in a containers-policy.json: write a policy.json with `keyless`, and name \
             your own authorities and logs with --trusted-root",
            unsupported.value
        );
        problems.add(unsupported.offset, message);
        return None;
    }
    let keys = match &fields.keys[..] {
        [KeySource::Files(paths)] => keys.read(&paths.value, problems)?,
        [KeySource::Inline(data)] => inline_keys(&data.value, problems)?,
        [] => {
            problems.add(requirement.offset, "`sigstoreSigned` has no keys");
            return None;
        }
        [_, KeySource::Files(second) | KeySource::Inline(second), ..] => {
            problems.add(second.offset, "the keys are given in two ways: keep one");
            return None;
        }
    };
    let identity = match &fields.signed_identity {
        Some(identity) => signed_identity(identity, problems)?,
        None => SignedIdentity::Exact,
    };
    // Any one of the keys suffices.
    let signers = Signers::Keys(KeySigners { keys, threshold: 1 });
    Some(Decision::Signed(vec![Requirement {
        signed_identity: identity,
        ..Requirement::new(signers)
    }]))
}

fn inline_keys(data: &[Located<String>], problems: &mut Problems<'_>) -> Option<Vec<PublicKey>> {
    let mut keys = Some(Vec::new());
    for (data, number) in data.iter().zip(1..) {
        let name = format!("key {number} of the policy");
        let pem = STANDARD.decode(data.value.trim()).ok();
        let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
        let key = pem.map_or_else(
            || Err("not base64 of a PEM text".to_owned()),
            |pem| PublicKey::from_pem(&name, &pem).map_err(|error| error.to_string()),
        );
        match key {
            Ok(key) => keys.iter_mut().for_each(|keys| keys.push(key.clone())),
            Err(reason) => {
                problems.add(data.offset, reason);
                keys = None;
            }
        }
    }
    keys
}

fn signed_identity(
    identity: &Located<IdentityFields>,
    problems: &mut Problems<'_>,
) -> Option<SignedIdentity> {
    let fields = &identity.value;
    let kind = fields.kind.as_ref()?;
    let required = |key: &str, value: &Option<Located<String>>, problems: &mut Problems<'_>| {
        if value.is_none() {
            problems.add(identity.offset, format!("`{key}` is missing"));
        }
        value.clone()
    };
    match kind.value.as_str() {
        "matchExact" | "matchRepoDigestOrExact" => Some(SignedIdentity::Exact),
        "matchRepository" => Some(SignedIdentity::Repository),
        "exactReference" => {
            let image = required("dockerReference", &fields.docker_reference, problems)?;
            let parsed = parse::<ImageName>(&image, problems)?;
            if parsed.tag.is_none() && parsed.digest.is_none() {
                problems.add(
                    image.offset,
                    "`dockerReference` has neither a tag nor a digest",
                );
                return None;
            }
            Some(SignedIdentity::ExactReference(parsed))
        }
        "exactRepository" => {
            let repository = required("dockerRepository", &fields.docker_repository, problems)?;
            parse::<RepositoryName>(&repository, problems).map(SignedIdentity::ExactRepository)
        }
        "remapIdentity" => {
            let prefix = required("prefix", &fields.prefix, problems);
            let signed_prefix = required("signedPrefix", &fields.signed_prefix, problems);
            Some(SignedIdentity::Remap {
                prefix: prefix?.value,
                signed_prefix: signed_prefix?.value,
            })
        }
        other => {
            let other = other.escape_debug();
            problems.add(kind.offset, format!("unknown signed identity `{other}`"));
            None
        }
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    written: &Located<String>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let parsed = written.value.parse();
    parsed
        .map_err(|error: T::Err| problems.add(written.offset, error))
        .ok()
}
