//! Signatures with certificates of a Sigstore instance of the testkit's own.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::{Duration, SystemTime};

use serde_json::Value;
use signatures::{
    AttachedBundle, Cause, ClassicLayer, Evidence, IdentityMatcher, KeylessSigner as Wanted,
    PublicKey, Requirement, SignatureFormat, SignedImage, Signers, TrustRoot, Verification, verify,
};
use testkit::signing::{
    EntryOptions, KeylessSigner, LeafOptions, Sct, SigningAuthority, classic_payload, statement,
};

const REPOSITORY: &str = "ghcr.io/org/app";
const IDENTITY: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// 2026-01-01.
const SIGNED: u64 = 1_767_225_600;
const ENTRY: EntryOptions = EntryOptions {
    time: SIGNED + 5,
    proof: true,
    promise: true,
};

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

fn decide(
    authority: &SigningAuthority,
    evidence: &Evidence,
    change: impl FnOnce(&mut Requirement),
) -> Result<Verification, Cause> {
    let root = TrustRoot::from_json(&authority.trusted_root().to_string()).unwrap();
    decide_with(&root, evidence, change)
}

fn decide_with(
    root: &TrustRoot,
    evidence: &Evidence,
    change: impl FnOnce(&mut Requirement),
) -> Result<Verification, Cause> {
    let image = SignedImage {
        repository: REPOSITORY.parse().unwrap(),
        tag: None,
        digest: digest().parse().unwrap(),
        children: Vec::new(),
    };
    let mut requirement = Requirement::new(Signers::Keyless(Wanted {
        issuer: ISSUER.to_owned(),
        identity: IdentityMatcher::pattern(r"^https://github\.com/org/[^/]+/\.github/workflows/")
            .unwrap(),
    }));
    change(&mut requirement);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED + 10 * 24 * 60 * 60);
    verify(&image, evidence, &requirement, root, now).map_err(|refusal| refusal.cause)
}

fn bundle(content: &Value) -> Evidence {
    Evidence {
        bundles: vec![AttachedBundle {
            subject: digest().parse().unwrap(),
            content: content.to_string().into_bytes(),
        }],
        ..Evidence::default()
    }
}

#[test]
fn both_forms_are_verified_with_the_trusted_root_of_an_own_instance() {
    let authority = SigningAuthority::new("own");
    let signer = KeylessSigner::new(&authority, &LeafOptions::new(IDENTITY, ISSUER, SIGNED));
    let signed = signer.bundle(&statement(SIGN, &digest()), ENTRY);
    let found = decide(&authority, &bundle(&signed), |_| {}).unwrap();
    assert_eq!(found.signed_by, IDENTITY);
    assert_eq!(found.issuer.as_deref(), Some(ISSUER));
    assert_eq!(found.format, SignatureFormat::BundleV03);
    let logged = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED + 5);
    assert_eq!(found.logged_at, Some(logged));

    let payload = classic_payload(REPOSITORY, &digest());
    let layer = ClassicLayer {
        subject: digest().parse().unwrap(),
        annotations: signer.classic(&payload, SIGNED + 5).into_iter().collect(),
        content: payload.into_bytes(),
    };
    let classic = Evidence {
        signatures: vec![layer],
        ..Evidence::default()
    };
    let found = decide(&authority, &classic, |_| {}).unwrap();
    assert_eq!(found.signed_by, IDENTITY);
    assert_eq!(found.format, SignatureFormat::Classic);
    assert_eq!(found.logged_at, Some(logged));

    let other = SigningAuthority::new("own");
    for evidence in [bundle(&signed), classic] {
        let cause = decide(&other, &evidence, |_| {}).unwrap_err();
        assert!(matches!(cause, Cause::UnknownLog(_)), "{cause}");
    }
}

#[test]
fn an_authority_and_a_log_key_are_a_root_without_a_certificate_log() {
    let authority = SigningAuthority::new("own");
    let key = PublicKey::from_pem("rekor.pub", &authority.log().key().public_pem()).unwrap();
    let root = TrustRoot::from_authority(&authority.chain_pem(), &[key]).unwrap();
    let mut options = LeafOptions::new(IDENTITY, ISSUER, SIGNED);
    options.sct = Sct::Missing;
    let signer = KeylessSigner::new(&authority, &options);
    let evidence = bundle(&signer.bundle(&statement(SIGN, &digest()), ENTRY));
    assert_eq!(
        decide_with(&root, &evidence, |_| {}).unwrap().signed_by,
        IDENTITY
    );
    let cause = decide(&authority, &evidence, |_| {}).unwrap_err();
    assert!(matches!(cause, Cause::Sct(_)), "{cause}");
    let other = SigningAuthority::new("own");
    let key = PublicKey::from_pem("rekor.pub", &authority.log().key().public_pem()).unwrap();
    let root = TrustRoot::from_authority(&other.chain_pem(), &[key]).unwrap();
    let cause = decide_with(&root, &evidence, |_| {}).unwrap_err();
    assert!(matches!(cause, Cause::Chain(_)), "{cause}");
    for (pem, keys) in [("", &[][..]), ("-----BEGIN CERTIFICATE-----", &[])] {
        assert!(TrustRoot::from_authority(pem, keys).is_err());
    }
}

#[test]
fn a_log_time_in_the_future_and_a_manifest_with_other_bytes_are_refused() {
    let authority = SigningAuthority::new("own");
    let signer = KeylessSigner::new(&authority, &LeafOptions::new(IDENTITY, ISSUER, SIGNED));
    let signed = bundle(&signer.bundle(&statement(SIGN, &digest()), ENTRY));
    let root = TrustRoot::from_json(&authority.trusted_root().to_string()).unwrap();
    let requirement = Requirement::new(Signers::Keyless(Wanted {
        issuer: ISSUER.to_owned(),
        identity: IdentityMatcher::Exact(IDENTITY.to_owned()),
    }));
    let mut image = SignedImage {
        repository: REPOSITORY.parse().unwrap(),
        tag: None,
        digest: digest().parse().unwrap(),
        children: Vec::new(),
    };
    let before = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED);
    let refusal = verify(&image, &signed, &requirement, &root, before).unwrap_err();
    assert!(matches!(refusal.cause, Cause::LogTime(_)), "{refusal}");

    let digest_of_hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    image.digest = digest_of_hello.parse().unwrap();
    let mut signed = bundle(&signer.message_bundle(b"hello", ENTRY));
    signed.bundles[0].subject = image.digest.clone();
    let manifests = [(&b"hello"[..], true), (b"other", false)];
    for (manifest, expected) in manifests {
        signed.manifests = [(image.digest.clone(), manifest.to_vec())].into();
        let decision = verify(&image, &signed, &requirement, &root, SystemTime::now());
        let needed = Err(Cause::ManifestNeeded(image.digest.clone()));
        match expected {
            true => assert!(decision.is_ok(), "{decision:?}"),
            false => assert_eq!(decision.map_err(|refusal| refusal.cause), needed),
        }
    }
}
