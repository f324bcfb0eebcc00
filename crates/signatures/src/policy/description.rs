//! Requirements in words, for messages.

use std::time::Duration;

use super::policy::{Decision, Rule};
use crate::requirement::{
    AttestationRequirement, IdentityMatcher, LogRequirement, Requirement, SignedBy, SignedIdentity,
    Signers,
};

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// Returns the decision of a rule in words, such as `requires a signature of …`.
#[must_use]
pub fn describe(rule: &Rule) -> String {
    match rule.decision() {
        Decision::Reject => "rejects".to_owned(),
        Decision::Unsigned => "accepts without a signature".to_owned(),
        Decision::Signed(all) => {
            let all: Vec<_> = all.iter().map(requirement).collect();
            format!("requires {}", all.join(" and "))
        }
    }
}

/// Returns a requirement in words.
pub(super) fn requirement(requirement: &Requirement) -> String {
    let mut attestations = requirement.attestations.iter();
    let standing = match requirement.signed_by {
        SignedBy::Signature => None,
        SignedBy::Attestation => attestations.next(),
    };
    let mut parts = vec![match standing {
        Some(AttestationRequirement {
            predicate_type,
            signers: own,
        }) => {
            let by = signers(own.as_ref().unwrap_or(&requirement.signers));
            format!("an attestation {predicate_type} of {by} in place of a signature")
        }
        None => format!("a signature of {}", signers(&requirement.signers)),
    }];
    if let Some(age) = requirement.minimum_age {
        parts.push(format!("logged at least {} ago", days(age)));
    }
    if requirement.log == LogRequirement::Required {
        parts.push("logged".to_owned());
    }
    if requirement.trust.is_some() {
        parts.push("with the authorities and logs of the policy".to_owned());
    }
    parts.extend(identity(&requirement.signed_identity));
    for attestation in attestations {
        let by = attestation.signers.as_ref().map(signers);
        let by = by.map(|by| format!(" of {by}")).unwrap_or_default();
        parts.push(format!("an attestation {}{by}", attestation.predicate_type));
    }
    parts.join(", ")
}

/// Returns signers in words.
pub(super) fn signers(signers: &Signers) -> String {
    match signers {
        Signers::Keys(keys) => {
            let names: Vec<_> = keys.keys.iter().map(|key| key.name()).collect();
            match (keys.threshold, &names[..]) {
                (1, [one]) => format!("the key {one}"),
                (threshold, names) => {
                    format!("{threshold} of the keys {}", names.join(", "))
                }
            }
        }
        Signers::Keyless(signer) => {
            let identity = match &signer.identity {
                IdentityMatcher::Exact(identity) => identity.clone(),
                pattern @ IdentityMatcher::Pattern(_) => format!("an identity like {pattern}"),
            };
            format!("{identity} (issuer {})", signer.issuer)
        }
    }
}

/// Returns a number of days in words.
pub(super) fn days(age: Duration) -> String {
    match age.as_secs() / DAY {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

/// Returns the name in classic signatures in words, unless it is that of the source.
pub(super) fn identity(identity: &SignedIdentity) -> Option<String> {
    match identity {
        SignedIdentity::Source => None,
        SignedIdentity::RepositoryDigestOrExact => Some("for the repository and tag".to_owned()),
        SignedIdentity::Repository => Some("for the repository whatever the tag".to_owned()),
        SignedIdentity::Exact => Some("for the repository and tag or digest".to_owned()),
        SignedIdentity::ExactReference(image) => {
            let repository = image.repository.full();
            let tag = image.tag.as_ref().map(|tag| format!(":{tag}"));
            let digest = image.digest.as_ref().map(|digest| format!("@{digest}"));
            let [tag, digest] = [tag, digest].map(Option::unwrap_or_default);
            Some(format!("for {repository}{tag}{digest}"))
        }
        SignedIdentity::ExactRepository(repository) => Some(format!("for {}", repository.full())),
        SignedIdentity::Remap {
            prefix,
            signed_prefix,
        } => Some(format!("for {signed_prefix} instead of {prefix}")),
    }
}
