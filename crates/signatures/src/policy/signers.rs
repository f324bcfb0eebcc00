//! The conversion of `threshold` and `keyless`.

use strict_json::{Located, Problems};

use super::fields::KeylessFields;
use crate::requirement::{IdentityMatcher, KeylessSigner, Signers};

/// Returns the number of keys that must have signed.
pub(super) fn read_threshold(
    threshold: Option<&Located<u16>>,
    keys: usize,
    problems: &mut Problems<'_>,
) -> Option<usize> {
    let Some(written) = threshold else {
        return Some(1);
    };
    let threshold = usize::from(written.value);
    let threshold = Some(threshold).filter(|threshold| (1..=keys).contains(threshold));
    if threshold.is_none() {
        let message = format!(
            "`threshold` is a number from 1 to {keys}, the number of keys, not {}",
            written.value
        );
        problems.add(written.offset, message);
    }
    threshold
}

/// Returns the signer that has a certificate.
pub(super) fn read_keyless(
    keyless: &Located<KeylessFields>,
    problems: &mut Problems<'_>,
) -> Option<Signers> {
    let fields = &keyless.value;
    let identity = match (&fields.identity, &fields.identity_regexp) {
        (Some(exact), None) => Some(IdentityMatcher::Exact(exact.value.clone())),
        (None, Some(pattern)) => {
            let parsed = IdentityMatcher::pattern(&pattern.value);
            let report = |error| {
                problems.add(pattern.offset, format!("`identityRegexp`: {error}"));
            };
            parsed.map_err(report).ok()
        }
        (Some(_), Some(pattern)) => {
            problems.add(
                pattern.offset,
                "`identity` and `identityRegexp` exclude each other",
            );
            None
        }
        (None, None) => {
            problems.add(
                keyless.offset,
                "`keyless` needs `identity` or `identityRegexp`: without one, anyone could sign",
            );
            None
        }
    };
    Some(Signers::Keyless(KeylessSigner {
        issuer: fields.issuer.as_ref()?.value.clone(),
        identity: identity?,
    }))
}
