//! The requirements that a changed policy weakens.

use super::description::{self, days, describe};
use super::policy::{Decision, Policy, Rule};
use crate::keys::PublicKey;
use crate::requirement::{
    AttestationRequirement, IdentityMatcher, KeySigners, LogRequirement, Requirement, SignedBy,
    Signers,
};

/// A requirement that a changed policy weakens, for the images that both rules match.
#[derive(Debug, Clone)]
pub struct Weakening<'a> {
    /// The rule of the base.
    pub before: &'a Rule,
    /// The rule that now decides.
    pub now: &'a Rule,
    /// The differences, each in words.
    pub differences: Vec<String>,
}

/// Returns true if earlier rules decide about the images of two rules.
type Decided = fn(&[&Rule], &Rule, &Rule) -> bool;

/// Returns each rule of `now` that decides about images that `before` held to a stronger requirement, or to one
/// that cannot be compared.
///
/// A pair of rules counts unless earlier rules are known to decide about all images that both match. So each
/// weakened image is found, and an unchanged policy has no findings. Images without a tag are compared besides: a
/// rule for one tag decides about them too.
#[must_use]
pub fn weakened<'a>(before: &'a Policy, now: &'a Policy) -> Vec<Weakening<'a>> {
    let old: Vec<&Rule> = before.rules().collect();
    let new: Vec<&Rule> = now.rules().collect();
    let mut found = Vec::new();
    for (new_at, now) in new.iter().enumerate() {
        for (old_at, before) in old.iter().enumerate() {
            let earlier = [&new[..new_at], &old[..old_at]];
            let is_hidden = |is_decided: Decided| {
                let mut earlier = earlier.into_iter();
                earlier.any(|rules| is_decided(rules, now, before))
            };
            let is_tagged = now.pattern.overlaps(&before.pattern) && !is_hidden(decided_earlier);
            let is_untagged =
                now.decides_untagged_with(before) && !is_hidden(decided_untagged_earlier);
            let mut differences = match is_tagged || is_untagged {
                true => differences(before.decision(), now),
                false => Vec::new(),
            };
            if !is_tagged {
                let about = |difference| format!("for images named by their digest, {difference}");
                differences = differences.into_iter().map(about).collect();
            }
            if !differences.is_empty() {
                found.push(Weakening {
                    before,
                    now,
                    differences,
                });
            }
        }
    }
    found
}

/// Returns true if earlier rules match all images that two rules match.
fn decided_earlier(earlier: &[&Rule], one: &Rule, other: &Rule) -> bool {
    let covers = |pattern| earlier.iter().any(|rule| rule.pattern.covers(pattern));
    covers(&one.pattern) || covers(&other.pattern)
}

/// Returns true if earlier rules decide about all images without a tag that two rules decide about.
fn decided_untagged_earlier(earlier: &[&Rule], one: &Rule, other: &Rule) -> bool {
    let decides = |rule: &Rule| {
        let mut earlier = earlier.iter();
        earlier.any(|it| {
            // A rule that accepts unsigned images decides by their names without a tag.
            let by_tag = !it.is_open() || rule.is_open();
            (by_tag && it.pattern.covers(&rule.pattern)) || it.pattern.covers_names(&rule.pattern)
        })
    };
    decides(one) || decides(other)
}

/// Returns what a rule asks less than a decision did. Empty if it asks at least as much.
fn differences(before: &Decision, rule: &Rule) -> Vec<String> {
    match (before, rule.decision()) {
        (Decision::Unsigned, _) | (_, Decision::Reject) => Vec::new(),
        (Decision::Reject, _) => {
            vec![format!("it was rejected, now {rule} {}", describe(rule))]
        }
        (Decision::Signed(_), Decision::Unsigned) => {
            vec![format!("{rule} accepts it without a signature")]
        }
        (Decision::Signed(before), Decision::Signed(now)) => {
            let weaker = before.iter().map(|before| {
                let all = now.iter().map(|now| requirement_differences(before, now));
                let nothing = || vec![format!("{rule} requires nothing")];
                all.min_by_key(Vec::len).unwrap_or_else(nothing)
            });
            weaker.flatten().collect()
        }
    }
}

fn requirement_differences(before: &Requirement, now: &Requirement) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(signer_difference(&before.signers, &now.signers));
    if before.signed_by == SignedBy::Signature && now.signed_by == SignedBy::Attestation {
        found.push("an attestation counts as the signature".to_owned());
    }
    for attestation in &before.attestations {
        found.extend(attestation_difference(before, attestation, now));
    }
    if let Some(age) = before.minimum_age
        && now.minimum_age.is_none_or(|now| now < age)
    {
        let now = now.minimum_age.map_or("0 days".to_owned(), days);
        found.push(format!("`minimumAge` is {now}, it was {}", days(age)));
    }
    if before.signed_identity != now.signed_identity {
        let words = |requirement: &Requirement| {
            let words = description::identity(&requirement.signed_identity);
            words.unwrap_or_else(|| "for the source".to_owned())
        };
        found.push(format!(
            "classic signatures are {}, they were {}",
            words(now),
            words(before)
        ));
    }
    let is_same_trust = match (&before.trust, &now.trust) {
        (None, None) => true,
        (Some(before), Some(now)) => before.is_same(now),
        (None, Some(_)) | (Some(_), None) => false,
    };
    if !is_same_trust {
        found.push("other authorities and logs are trusted".to_owned());
    }
    if strength(before.log) > strength(now.log) {
        found.push("entries of the log are checked less".to_owned());
    }
    found
}

fn strength(log: LogRequirement) -> u8 {
    match log {
        LogRequirement::Ignored => 0,
        LogRequirement::Checked => 1,
        LogRequirement::Required => 2,
    }
}

/// Returns the difference if signatures that satisfy `now` need not satisfy `before`.
fn signer_difference(before: &Signers, now: &Signers) -> Option<String> {
    let is_as_strong = match (before, now) {
        (Signers::Keys(before), Signers::Keys(now)) => are_as_strong(before, now),
        (Signers::Keyless(before), Signers::Keyless(now)) => {
            before.issuer == now.issuer && is_within(&before.identity, &now.identity)
        }
        (Signers::Keys(_), Signers::Keyless(_)) | (Signers::Keyless(_), Signers::Keys(_)) => false,
    };
    (!is_as_strong).then(|| {
        let (now, before) = (description::signers(now), description::signers(before));
        format!("the signer is {now}, it was {before}")
    })
}

/// Returns true if enough old keys are among any keys that suffice now.
fn are_as_strong(before: &KeySigners, now: &KeySigners) -> bool {
    let is_old = |key: &&PublicKey| {
        let mut old = before.keys.iter();
        old.any(|old| old.fingerprint() == key.fingerprint())
    };
    let new = now.keys.iter().filter(|key| !is_old(key)).count();
    now.threshold.saturating_sub(new) >= before.threshold
}

/// Returns true if each identity that `now` matches is known to match `before`.
fn is_within(before: &IdentityMatcher, now: &IdentityMatcher) -> bool {
    match now {
        IdentityMatcher::Exact(identity) => before.matches(identity),
        IdentityMatcher::Pattern(_) => {
            matches!(before, IdentityMatcher::Pattern(_)) && before.to_string() == now.to_string()
        }
    }
}

fn attestation_difference(
    before: &Requirement,
    attestation: &AttestationRequirement,
    now: &Requirement,
) -> Option<String> {
    let predicate_type = &attestation.predicate_type;
    let mut same = now
        .attestations
        .iter()
        .filter(|now| now.predicate_type == *predicate_type)
        .peekable();
    if same.peek().is_none() {
        return Some(format!("the attestation {predicate_type} is not required"));
    }
    let old = attestation.signers.as_ref().unwrap_or(&before.signers);
    let mut differences = same.map(|attestation| {
        let new = attestation.signers.as_ref().unwrap_or(&now.signers);
        signer_difference(old, new)
    });
    let first = differences.next().flatten()?;
    // One attestation that is held to as much as before suffices.
    let is_held = differences.any(|difference| difference.is_none());
    (!is_held).then(|| format!("of the attestation {predicate_type} {first}"))
}

#[cfg(test)]
#[path = "weakening_tests.rs"]
mod tests;
