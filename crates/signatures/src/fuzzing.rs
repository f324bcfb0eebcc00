//! The functions behind the fuzz targets of `fuzz/` about signatures. The tests run them on their corpora.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::types::DerCertificate;

use crate::evidence::{AttachedBundle, ClassicLayer, Evidence};
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

/// Decides about evidence for an image without a signature.
fn refused(evidence: impl FnOnce(image_name::Digest) -> Evidence) {
    let zeros = format!("sha256:{}", "0".repeat(64));
    let (Ok(repository), Ok(digest), Ok(root)) = (
        "q.io/a".parse(),
        zeros.parse::<image_name::Digest>(),
        TrustRoot::embedded(),
    ) else {
        return;
    };
    let evidence = evidence(digest.clone());
    let image = SignedImage {
        repository,
        tag: None,
        digest,
        children: Vec::new(),
    };
    let requirement = Requirement::new(Signers::Keyless(KeylessSigner {
        issuer: "https://issuer.example.com".to_owned(),
        identity: IdentityMatcher::Exact("signer@example.com".to_owned()),
    }));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    let decision = verify(&image, &evidence, &requirement, &root, now);
    assert!(decision.is_err(), "signed by a signer that does not exist");
}

#[cfg(test)]
mod tests {
    #[test]
    fn corpora_pass() {
        testkit::replay_corpus("signature_bundle", super::bundle);
        testkit::replay_corpus("signature_envelope", super::envelope);
        testkit::replay_corpus("signature_payload", super::payload);
        testkit::replay_corpus("signing_certificate", super::certificate);
    }
}
