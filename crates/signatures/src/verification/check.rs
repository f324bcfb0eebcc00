//! The check of one signature or attestation.

use std::time::SystemTime;

use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::types::{Artifact, ArtifactDigest, DigestBytes, HashAlgorithm};
use sigstore_verify::types::{DerCertificate, VerificationMaterialContent};
use sigstore_verify::{
    Policy, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult,
};

use super::certificate::CertificateFacts;
use super::image::SignedImage;
use super::{binding, failure, log_entries};
use crate::crypto;
use crate::evidence::{Claim, Evidence, Message};
use crate::keys::PublicKey;
use crate::refusal::Cause;
use crate::requirement::{KeySigners, KeylessSigner, LogRequirement, Requirement, Signers};
use crate::trust_root::TrustRoot;

/// Everything that a check of one claim needs.
#[derive(Clone, Copy)]
pub(super) struct Check<'a> {
    pub(super) image: &'a SignedImage,
    pub(super) evidence: &'a Evidence,
    pub(super) requirement: &'a Requirement,
    pub(super) root: &'a TrustRoot,
    pub(super) now: SystemTime,
}

/// A claim that counts.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) signer: Signer,
    pub(super) logged_at: Option<SystemTime>,
}

/// The signer of a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signer {
    /// The key with this number in the requirement.
    Key(usize),
    /// The holder of a certificate.
    Certificate { identity: String, issuer: String },
}

impl Check<'_> {
    /// Checks one claim: what it is about, who signed it, and the evidence of the log.
    pub(super) fn claim(&self, claim: &Claim, signers: &Signers) -> Result<Accepted, Cause> {
        binding::check_digest(claim, self.image)?;
        if let Some(reference) = &claim.reference {
            let identity = &self.requirement.signed_identity;
            binding::check_reference(reference, self.image, identity)?;
        }
        let message = self.message(claim)?;
        let accepted = match signers {
            Signers::Keys(keys) => self.by_key(claim, message, keys)?,
            Signers::Keyless(signer) => self.by_certificate(claim, message, signer)?,
        };
        if accepted.logged_at.is_some_and(|logged| logged > self.now) {
            return Err(Cause::LogTime("it is in the future".to_owned()));
        }
        Ok(accepted)
    }

    /// Returns the bytes that are signed.
    fn message<'claim>(&'claim self, claim: &'claim Claim) -> Result<&'claim [u8], Cause> {
        match &claim.message {
            Message::Payload(bytes) | Message::Envelope(bytes) => Ok(bytes),
            Message::Manifest => {
                let subject = &claim.attached_to;
                let manifest = self.evidence.manifests.get(subject);
                // The digest of the bytes is checked against the bundle's by `sigstore-verify`, and here for
                // bundles that it does not look at.
                let manifest = manifest.filter(|bytes| crypto::has_digest(bytes, subject));
                let needed = || Cause::ManifestNeeded(subject.clone());
                manifest.map(Vec::as_slice).ok_or_else(needed)
            }
        }
    }

    fn by_key(&self, claim: &Claim, message: &[u8], keys: &KeySigners) -> Result<Accepted, Cause> {
        let material = &claim.bundle.verification_material;
        if !matches!(material.content, VerificationMaterialContent::PublicKey(_)) {
            return Err(Cause::KeyRequired);
        }
        let signed = |key: &PublicKey| key.signed(message, &claim.signature);
        let mut found = keys.keys.iter().enumerate();
        let found = found.find_map(|(number, key)| Some((number, key, signed(key)?)));
        let Some((number, key, scheme)) = found else {
            let names: Vec<_> = keys.keys.iter().map(PublicKey::name).collect();
            return Err(Cause::OtherKey(names.join(", ")));
        };
        let timestamps = &material.timestamp_verification_data.rfc3161_timestamps;
        let entries = !material.tlog_entries.is_empty();
        let is_envelope = matches!(claim.message, Message::Envelope(_));
        let policy = PublicKeyVerificationPolicy::new(key.der().clone());
        let policy = match self.requirement.log {
            LogRequirement::Ignored => None,
            log if entries => {
                log_entries::check(&claim.bundle, self.root)?;
                // An entry that is not compared confirms no time. Without it the signature counts as well.
                match key.can_be_compared(scheme, is_envelope) {
                    true => Some(policy),
                    false if log == LogRequirement::Required => {
                        let message = "a log entry of a signature in this scheme";
                        return Err(Cause::Unsupported(message.to_owned()));
                    }
                    false => None,
                }
            }
            LogRequirement::Required => return Err(Cause::NotLogged),
            LogRequirement::Checked if timestamps.is_empty() => None,
            LogRequirement::Checked => Some(policy.skip_tlog_unsafe()),
        };
        let logged_at = match policy {
            Some(policy) => {
                let result = self.run(claim, message, &policy).map_err(failure::cause)?;
                self.time(claim, &result)?
            }
            None => None,
        };
        Ok(Accepted {
            signer: Signer::Key(number),
            logged_at,
        })
    }

    fn by_certificate(
        &self,
        claim: &Claim,
        message: &[u8],
        signer: &KeylessSigner,
    ) -> Result<Accepted, Cause> {
        let Some(certificate) = claim.bundle.signing_certificate() else {
            return Err(Cause::CertificateRequired);
        };
        let facts = CertificateFacts::read(certificate)?;
        log_entries::check(&claim.bundle, self.root)?;
        let mut policy = VerificationPolicy::any_identity();
        if !self.root.checks_sct() {
            policy = policy.skip_sct();
        }
        let result = self.run(claim, message, &policy).map_err(|error| {
            let cause = failure::cause(error);
            outside_validity(claim, certificate, &facts)
                .filter(|_| matches!(cause, Cause::Chain(_)))
                .unwrap_or(cause)
        })?;
        let logged_at = self.time(claim, &result)?;
        if facts.issuer != signer.issuer {
            return Err(Cause::OtherIssuer {
                found: Cause::text(&facts.identity),
                issuer: Cause::text(&facts.issuer),
                expected: signer.issuer.clone(),
            });
        }
        if !signer.identity.matches(&facts.identity) {
            return Err(Cause::OtherIdentity {
                found: Cause::text(&facts.identity),
                expected: signer.identity.to_string(),
            });
        }
        Ok(Accepted {
            signer: Signer::Certificate {
                identity: facts.identity,
                issuer: facts.issuer,
            },
            logged_at,
        })
    }

    /// Runs `sigstore-verify`.
    fn run(
        &self,
        claim: &Claim,
        message: &[u8],
        policy: &dyn Policy,
    ) -> Result<VerificationResult, sigstore_verify::Error> {
        let artifact = match claim.message {
            Message::Payload(_) | Message::Manifest => Artifact::from(message),
            Message::Envelope(_) => Artifact::Digest(artifact_digest(claim)?),
        };
        crypto::with_message(message, || {
            self.root.verifier().verify(artifact, &claim.bundle, policy)
        })
    }

    /// Returns the latest time that a log or timestamp authority confirmed.
    fn time(
        &self,
        claim: &Claim,
        result: &VerificationResult,
    ) -> Result<Option<SystemTime>, Cause> {
        let confirmed = result.verified_timestamps().iter().copied();
        let confirmed: Vec<_> = confirmed.map(SystemTime::from).collect();
        log_entries::check_validity(&claim.bundle, self.root, &confirmed)?;
        Ok(confirmed.into_iter().max())
    }
}

fn artifact_digest(claim: &Claim) -> Result<ArtifactDigest, sigstore_verify::types::Error> {
    let digest = &claim.attached_to;
    let algorithm = match digest.algorithm() {
        image_name::Algorithm::Sha512 => HashAlgorithm::Sha2512,
        image_name::Algorithm::Sha384 => HashAlgorithm::Sha2384,
        image_name::Algorithm::Sha256 => HashAlgorithm::Sha2256,
    };
    ArtifactDigest::new(algorithm, DigestBytes::from_hex(digest.hex())?)
}

/// Returns the cause if a log time is outside the validity of the certificate. `webpki` finds it first and reports
/// it as a broken chain.
fn outside_validity(
    claim: &Claim,
    certificate: &DerCertificate,
    facts: &CertificateFacts,
) -> Option<Cause> {
    let info = parse_certificate_info(certificate).ok()?;
    let entries = &claim.bundle.verification_material.tlog_entries;
    entries
        .iter()
        .filter_map(|entry| entry.integrated_time)
        .find_map(|logged| {
            let time = SystemTime::from(logged);
            let logged = logged.to_string();
            if time > facts.not_after {
                let not_after = info.not_after.to_string();
                return Some(Cause::Expired { not_after, logged });
            }
            let not_before = info.not_before.to_string();
            (time < facts.not_before).then_some(Cause::NotYetValid { not_before, logged })
        })
}
