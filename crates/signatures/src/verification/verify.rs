//! The decision about one image.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use image_name::Digest;

use super::check::{Accepted, Check, Signer};
use super::image::SignedImage;
use super::outcome::Verification;
use crate::evidence::{Claim, Evidence, MAX_SIGNATURES, Purpose, SignatureFormat, read_all};
use crate::refusal::{Cause, ExaminedSignature, Refusal};
use crate::requirement::{AttestationRequirement, Requirement, SignedBy, Signers};
use crate::trust_root::TrustRoot;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Decides whether an image has the signatures and attestations that a requirement asks for.
///
/// The image itself must have them or, if it is an index, each of the children that the caller names. `root` is
/// trusted unless the requirement has a trusted root of its own.
///
/// # Errors
///
/// If something is missing, with the cause and every signature that was examined.
pub fn verify(
    image: &SignedImage,
    evidence: &Evidence,
    requirement: &Requirement,
    root: &TrustRoot,
    now: SystemTime,
) -> Result<Verification, Refusal> {
    let found = evidence.signatures.len() + evidence.attestations.len() + evidence.bundles.len();
    if found > MAX_SIGNATURES {
        return Err(Refusal {
            cause: Cause::TooMany {
                found,
                limit: MAX_SIGNATURES,
            },
            examined: Vec::new(),
        });
    }
    let (claims, unreadable) = read_all(evidence);
    let decision = Decision {
        check: Check {
            image,
            evidence,
            requirement,
            root: requirement.trust.as_deref().unwrap_or(root),
            now,
        },
        claims,
        unreadable,
    };
    decision.image().map_err(|mut refusal| {
        if let Some(gap) = &evidence.gap {
            let found = &refusal.cause;
            let message = format!("{}; what was found: {found}", Cause::text(gap));
            refusal.cause = Cause::EvidenceIncomplete(message);
        }
        refusal
    })
}

struct Decision<'a> {
    check: Check<'a>,
    claims: Vec<Claim>,
    unreadable: Vec<ExaminedSignature>,
}

/// The signatures of one manifest that count.
struct Enough {
    accepted: BTreeMap<Signer, (Accepted, SignatureFormat)>,
}

impl Decision<'_> {
    fn image(&self) -> Result<Verification, Refusal> {
        let image = self.check.image;
        let refusal = match self.manifest(&image.digest) {
            Ok(verification) => return Ok(verification),
            Err(refusal) => refusal,
        };
        let about_child = |child: &Digest| {
            let mut claims = self.claims.iter();
            claims.any(|claim| claim.attached_to == *child)
        };
        if !image.children.iter().any(about_child) {
            return Err(refusal);
        }
        let mut whole: Option<Verification> = None;
        for child in &image.children {
            let verification = self.manifest(child).map_err(|of_child| Refusal {
                cause: Cause::Child {
                    child: child.clone(),
                    cause: Box::new(of_child.cause),
                },
                examined: [refusal.examined.clone(), of_child.examined].concat(),
            })?;
            whole = Some(match whole {
                Some(whole) => whole.with(verification),
                None => verification,
            });
        }
        let whole = whole.ok_or(refusal)?;
        Ok(Verification {
            children: image.children.clone(),
            ..whole
        })
    }

    /// Decides about the manifest with a digest.
    fn manifest(&self, digest: &Digest) -> Result<Verification, Refusal> {
        let requirement = self.check.requirement;
        let signers = &requirement.signers;
        let mut attestations = requirement.attestations.iter();
        let standing = match requirement.signed_by {
            SignedBy::Signature => None,
            SignedBy::Attestation => attestations.next(),
        };
        let (signed, signers) = match standing {
            Some(attestation) => self.attested(digest, attestation)?,
            None => (self.enough(digest, &Purpose::Signature, signers)?, signers),
        };
        for attestation in attestations {
            self.attested(digest, attestation)?;
        }
        Ok(outcome(signed, signers))
    }

    /// Returns the signatures of an attestation that is required, with the signers that it needs.
    fn attested<'requirement>(
        &'requirement self,
        digest: &Digest,
        attestation: &'requirement AttestationRequirement,
    ) -> Result<(Enough, &'requirement Signers), Refusal> {
        let signers = &self.check.requirement.signers;
        let signers = attestation.signers.as_ref().unwrap_or(signers);
        let purpose = Purpose::Attestation(attestation.predicate_type.clone());
        match self.enough(digest, &purpose, signers) {
            Ok(signed) => Ok((signed, signers)),
            Err(refusal) => Err(Refusal {
                cause: Cause::Attestation {
                    predicate_type: attestation.predicate_type.clone(),
                    cause: Box::new(refusal.cause),
                },
                ..refusal
            }),
        }
    }

    /// Returns the signatures of one purpose, if there are as many as the signers ask for.
    fn enough(
        &self,
        digest: &Digest,
        purpose: &Purpose,
        signers: &Signers,
    ) -> Result<Enough, Refusal> {
        let mut accepted = BTreeMap::new();
        let mut examined = self.unreadable.clone();
        for claim in self
            .claims
            .iter()
            .filter(|claim| claim.attached_to == *digest)
        {
            let result = match (&claim.purpose, purpose) {
                (found, wanted) if found == wanted => self.counts(claim, purpose, signers),
                (Purpose::Attestation(kind), Purpose::Signature) => {
                    Err(Cause::NotASignature(Cause::text(kind)))
                }
                _ => continue,
            };
            match result {
                Ok(found) => {
                    accepted
                        .entry(found.signer.clone())
                        .or_insert((found, claim.format));
                }
                Err(cause) => examined.push(ExaminedSignature {
                    place: claim.place.clone(),
                    cause,
                }),
            }
        }
        let required = match signers {
            Signers::Keys(keys) => keys.threshold.max(1),
            Signers::Keyless(_) => 1,
        };
        let signed = accepted.len();
        if signed >= required {
            return Ok(Enough { accepted });
        }
        let latest = examined.iter().map(|examined| &examined.cause).max();
        let cause = match latest {
            _ if signed > 0 => Cause::Threshold { signed, required },
            Some(cause) => cause.clone(),
            None => Cause::Unsigned,
        };
        Err(Refusal { cause, examined })
    }

    /// Checks a claim and, for a signature, its age.
    fn counts(
        &self,
        claim: &Claim,
        purpose: &Purpose,
        signers: &Signers,
    ) -> Result<Accepted, Cause> {
        let accepted = self.check.claim(claim, signers)?;
        let requirement = self.check.requirement;
        let signs =
            *purpose == Purpose::Signature || requirement.signed_by == SignedBy::Attestation;
        let Some(minimum) = requirement.minimum_age.filter(|_| signs) else {
            return Ok(accepted);
        };
        let logged_at = accepted.logged_at.ok_or(Cause::NoLogTime)?;
        let age = self.check.now.duration_since(logged_at).unwrap_or_default();
        if age < minimum {
            return Err(Cause::TooYoung {
                age: age.as_secs() / DAY.as_secs(),
                minimum: minimum.as_secs().div_ceil(DAY.as_secs()),
            });
        }
        Ok(accepted)
    }
}

fn outcome(signed: Enough, signers: &Signers) -> Verification {
    let mut names = Vec::new();
    let mut issuer = None;
    let mut logged_at = None;
    let mut format = SignatureFormat::Classic;
    for (signer, (accepted, found)) in signed.accepted {
        logged_at = logged_at.max(accepted.logged_at);
        format = format.max(found);
        match (signer, signers) {
            (Signer::Key(number), Signers::Keys(keys)) => {
                names.extend(
                    keys.keys
                        .get(number)
                        .map(crate::keys::PublicKey::fingerprint),
                );
            }
            (
                Signer::Certificate {
                    identity,
                    issuer: found,
                },
                _,
            ) if names.is_empty() => {
                names.push(identity);
                issuer = Some(found);
            }
            _ => {}
        }
    }
    Verification {
        signed_by: names.join(","),
        issuer,
        logged_at,
        format,
        children: Vec::new(),
    }
}
