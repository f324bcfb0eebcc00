//! Reading everything that is attached to an image.

use image_name::Digest;

use super::attached::Evidence;
use super::claim::Claim;
use super::{bundle, classic};
use crate::refusal::{Cause, ExaminedSignature};

/// Reads everything that is attached. What cannot be read is returned with its cause.
pub(crate) fn read_all(evidence: &Evidence) -> (Vec<Claim>, Vec<ExaminedSignature>) {
    let mut claims = Vec::new();
    let mut unreadable = Vec::new();
    let mut add = |place: String, claim: Result<Claim, Cause>| match claim {
        Ok(claim) => claims.push(Claim { place, ..claim }),
        Err(cause) => unreadable.push(ExaminedSignature { place, cause }),
    };
    for (number, layer) in (1..).zip(&evidence.signatures) {
        add(
            place("signature", number, &layer.subject),
            classic::read_signature(layer),
        );
    }
    for (number, layer) in (1..).zip(&evidence.attestations) {
        add(
            place("attestation", number, &layer.subject),
            classic::read_attestation(layer),
        );
    }
    for (number, attached) in (1..).zip(&evidence.bundles) {
        add(
            place("bundle", number, &attached.subject),
            bundle::read(attached),
        );
    }
    (claims, unreadable)
}

fn place(kind: &str, number: usize, subject: &Digest) -> String {
    format!("{kind} {number}, attached to {subject}")
}
