//! The functions behind the fuzz targets of `fuzz/` about signatures. The tests run them on their corpora.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use image_name::Digest;
use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::types::DerCertificate;

use crate::evidence::{AttachedBundle, ClassicLayer, Evidence};
use crate::policy::{
    Copy, Decision, ExportFormat, KeylessForm, Policy, describe, export, test_pem, weakened,
};
use crate::requirement::{IdentityMatcher, KeylessSigner, Requirement, Signers};
use crate::trust_root::TrustRoot;
use crate::verification::{CertificateFacts, SignedImage, verify};

/// Checks a bundle: it never satisfies a signer that does not exist.
pub fn bundle(data: &[u8]) {
    refused(|subject| Evidence {
        bundles: vec![AttachedBundle {
            subject,
            content: data.to_vec(),
        }],
        ..Evidence::default()
    });
}

/// Checks a DSSE envelope in a layer of `sha256-HEX.att`.
pub fn envelope(data: &[u8]) {
    refused(|subject| Evidence {
        attestations: vec![ClassicLayer {
            subject,
            content: data.to_vec(),
            annotations: BTreeMap::new(),
        }],
        ..Evidence::default()
    });
}

/// Checks a layer of `sha256-HEX.sig`: the payload, and after each NUL one of the annotations of cosign.
pub fn payload(data: &[u8]) {
    const ANNOTATIONS: [&str; 5] = [
        "dev.cosignproject.cosign/signature",
        "dev.sigstore.cosign/certificate",
        "dev.sigstore.cosign/chain",
        "dev.sigstore.cosign/bundle",
        "dev.sigstore.cosign/rfc3161timestamp",
    ];
    let mut parts = data.split(|byte| *byte == 0);
    let content = parts.next().unwrap_or_default();
    let annotations = ANNOTATIONS
        .into_iter()
        .zip(parts)
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()));
    let annotations: BTreeMap<_, _> = annotations.collect();
    refused(|subject| Evidence {
        signatures: vec![ClassicLayer {
            subject,
            content: content.to_vec(),
            annotations,
        }],
        ..Evidence::default()
    });
}

/// Checks a certificate: what this crate accepts, `sigstore-verify` reads alike.
pub fn certificate(data: &[u8]) {
    let certificate = DerCertificate::from_bytes(data);
    let Ok(facts) = CertificateFacts::read(&certificate) else {
        return;
    };
    let text = [facts.identity(), facts.issuer()].concat();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    let Ok(info) = parse_certificate_info(&certificate) else {
        return;
    };
    let identity = info.identity.map(|name| name.as_str().to_owned());
    assert_eq!(identity.as_deref(), Some(facts.identity()));
    assert_eq!(info.issuer.as_deref(), Some(facts.issuer()));
}

/// Parses a policy in either format. Checks that an image without a signature satisfies none of its requirements, and
/// that the policy is not weaker than itself.
pub fn policy(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let parsed = Policy::parse(text, &mut test_pem);
    let policy = match parsed {
        Ok(policy) => policy,
        Err(problems) => {
            let lines = text.lines().count().max(1);
            assert!(problems.iter().all(|problem| problem.line <= lines));
            return;
        }
    };
    assert!(weakened(&policy, &policy).is_empty(), "weaker than itself");
    let (Some(image), Ok(root)) = (unsigned_image(), TrustRoot::embedded()) else {
        return;
    };
    for rule in policy.rules() {
        assert!(!describe(rule).is_empty());
        let Decision::Signed(requirements) = rule.decision() else {
            continue;
        };
        assert!(!requirements.is_empty(), "a signature that nothing makes");
        for requirement in requirements {
            let decision = verify(&image, &Evidence::default(), requirement, &root, now());
            assert!(decision.is_err(), "accepted without a signature");
        }
    }
    let copy = Copy {
        source: image.repository.clone(),
        source_tag: None,
        destination: image.repository,
        destination_tag: None,
    };
    for format in [
        ExportFormat::ContainersPolicy,
        ExportFormat::Kyverno(KeylessForm::Bundle),
        ExportFormat::PolicyController,
    ] {
        if let Err(problems) = export(&policy, std::slice::from_ref(&copy), format) {
            assert!(
                !problems.is_empty(),
                "nothing is exported, without a reason"
            );
        }
    }
}

/// Decides about evidence for an image without a signature.
fn refused(evidence: impl FnOnce(Digest) -> Evidence) {
    let (Some(image), Ok(root)) = (unsigned_image(), TrustRoot::embedded()) else {
        return;
    };
    let evidence = evidence(image.digest.clone());
    let requirement = Requirement::new(Signers::Keyless(KeylessSigner {
        issuer: "https://issuer.example.com".to_owned(),
        identity: IdentityMatcher::Exact("signer@example.com".to_owned()),
    }));
    let decision = verify(&image, &evidence, &requirement, &root, now());
    assert!(decision.is_err(), "signed by a signer that does not exist");
}

fn unsigned_image() -> Option<SignedImage> {
    Some(SignedImage {
        repository: "q.io/a".parse().ok()?,
        tag: None,
        digest: format!("sha256:{}", "0".repeat(64)).parse().ok()?,
        children: Vec::new(),
    })
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn corpora_pass() {
        testkit::replay_corpus("signature_bundle", super::bundle);
        testkit::replay_corpus("signature_envelope", super::envelope);
        testkit::replay_corpus("signature_payload", super::payload);
        testkit::replay_corpus("signing_certificate", super::certificate);
        testkit::replay_corpus("signature_policy", super::policy);
    }
}
