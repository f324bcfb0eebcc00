//! Signatures with keys, in both forms.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::json;
use signatures::{
    AttachedBundle, AttestationRequirement, Cause, ClassicLayer, Evidence, KeySigners,
    LogRequirement, PublicKey, Requirement, SignatureFormat, SignedImage, Signers, TrustRoot,
    Verification, verify,
};
use testkit::signing::{SigningKey, classic_payload, envelope, statement};

const REPOSITORY: &str = "registry.example.com/team/app";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// An RSA key with 2048 bits, for tests only: `ring` makes none.
const RSA: &str = include_str!("data/rsa-2048.test-key.pem");

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

fn image(children: &[char]) -> SignedImage {
    SignedImage {
        repository: REPOSITORY.parse().unwrap(),
        tag: Some("1.0".parse().unwrap()),
        digest: digest('a').parse().unwrap(),
        children: children
            .iter()
            .map(|child| digest(*child).parse().unwrap())
            .collect(),
    }
}

fn keys() -> [(&'static str, SigningKey); 4] {
    [
        ("p256", SigningKey::p256()),
        ("p384", SigningKey::p384()),
        ("ed25519", SigningKey::ed25519()),
        ("rsa", SigningKey::from_pem(RSA)),
    ]
}

fn requirement(keys: &[&SigningKey], threshold: usize) -> Requirement {
    let keys = keys.iter().enumerate().map(|(number, key)| {
        PublicKey::from_pem(&format!("keys/{number}.pub"), &key.public_pem()).unwrap()
    });
    let keys = keys.collect();
    Requirement::new(Signers::Keys(KeySigners { keys, threshold }))
}

fn classic(key: &SigningKey, digit: char) -> ClassicLayer {
    let content = classic_payload(REPOSITORY, &digest(digit)).into_bytes();
    let signature = key.sign_base64(&content);
    let annotation = "dev.cosignproject.cosign/signature".to_owned();
    ClassicLayer {
        subject: digest(digit).parse().unwrap(),
        annotations: BTreeMap::from([(annotation, signature)]),
        content,
    }
}

fn bundle(key: &SigningKey, predicate: &str, digit: char) -> AttachedBundle {
    let content = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"publicKey": {"hint": "x"}},
        "dsseEnvelope": envelope(key, &statement(predicate, &digest(digit))),
    });
    AttachedBundle {
        subject: digest(digit).parse().unwrap(),
        content: content.to_string().into_bytes(),
    }
}

fn decide(evidence: &Evidence, requirement: &Requirement) -> Result<Verification, Cause> {
    decide_about(&image(&[]), evidence, requirement)
}

fn decide_about(
    image: &SignedImage,
    evidence: &Evidence,
    requirement: &Requirement,
) -> Result<Verification, Cause> {
    let root = TrustRoot::embedded().unwrap();
    verify(image, evidence, requirement, &root, SystemTime::now()).map_err(|refusal| refusal.cause)
}

#[test]
fn keys_of_all_algorithms_sign_in_both_forms() {
    for (name, key) in keys() {
        let requirement = requirement(&[&key], 1);
        let fingerprint = format!("key:sha256:{}", hex(&key.id()));
        let classic = Evidence {
            signatures: vec![classic(&key, 'a')],
            ..Evidence::default()
        };
        let found = decide(&classic, &requirement).expect(name);
        assert_eq!(found.signed_by, fingerprint, "{name}");
        assert_eq!(found.format, SignatureFormat::Classic);
        assert_eq!((found.issuer, found.logged_at), (None, None));
        let bundle = Evidence {
            bundles: vec![bundle(&key, SIGN, 'a')],
            ..Evidence::default()
        };
        let found = decide(&bundle, &requirement).expect(name);
        assert_eq!(found.signed_by, fingerprint, "{name}");
        assert_eq!(found.format, SignatureFormat::BundleV03);
    }
}

#[test]
fn a_key_of_the_same_algorithm_and_one_of_another_do_not_count() {
    let all = keys();
    for (name, key) in &all {
        for (other_name, other) in keys().into_iter().filter(|(other, _)| *other != "rsa") {
            let evidence = Evidence {
                signatures: vec![classic(key, 'a')],
                bundles: vec![bundle(key, SIGN, 'a')],
                ..Evidence::default()
            };
            let cause = decide(&evidence, &requirement(&[&other], 1)).unwrap_err();
            let expected = Cause::OtherKey("keys/0.pub".to_owned());
            assert_eq!(cause, expected, "{name} for {other_name}");
        }
    }
}

#[test]
fn a_threshold_counts_different_keys() {
    let [a, b, c] = [
        SigningKey::p256(),
        SigningKey::p256(),
        SigningKey::ed25519(),
    ];
    let twice = Evidence {
        signatures: vec![classic(&a, 'a'), classic(&a, 'a')],
        bundles: vec![bundle(&a, SIGN, 'a')],
        ..Evidence::default()
    };
    let threshold = Cause::Threshold {
        signed: 1,
        required: 2,
    };
    assert_eq!(
        decide(&twice, &requirement(&[&a, &b], 2)),
        Err(threshold.clone())
    );
    assert_eq!(decide(&twice, &requirement(&[&a, &a], 2)), Err(threshold));
    let both = Evidence {
        signatures: vec![classic(&c, 'a')],
        bundles: vec![bundle(&a, SIGN, 'a')],
        ..Evidence::default()
    };
    let found = decide(&both, &requirement(&[&a, &b, &c], 2)).unwrap();
    let names = [&a, &c].map(|key| format!("key:sha256:{}", hex(&key.id())));
    assert_eq!(found.signed_by, names.join(","));
}

#[test]
fn an_attestation_is_no_signature_and_a_signature_no_attestation() {
    let [key, other] = [SigningKey::p256(), SigningKey::p256()];
    let mut wanted = requirement(&[&key], 1);
    let attested = Evidence {
        bundles: vec![bundle(&key, PROVENANCE, 'a')],
        ..Evidence::default()
    };
    let cause = decide(&attested, &wanted).unwrap_err();
    assert_eq!(cause, Cause::NotASignature(format!("{PROVENANCE:?}")));
    wanted.attestations.push(AttestationRequirement {
        predicate_type: PROVENANCE.to_owned(),
        signers: None,
    });
    let signed = Evidence {
        bundles: vec![bundle(&key, SIGN, 'a')],
        ..Evidence::default()
    };
    let missing = Cause::Attestation {
        predicate_type: PROVENANCE.to_owned(),
        cause: Box::new(Cause::Unsigned),
    };
    assert_eq!(decide(&signed, &wanted), Err(missing));
    let both = Evidence {
        bundles: vec![bundle(&key, SIGN, 'a'), bundle(&key, PROVENANCE, 'a')],
        ..Evidence::default()
    };
    assert!(decide(&both, &wanted).is_ok());
    let Signers::Keys(own) = requirement(&[&other], 1).signers else {
        unreachable!()
    };
    wanted.attestations[0].signers = Some(Signers::Keys(own));
    let cause = decide(&both, &wanted).unwrap_err();
    assert!(matches!(cause, Cause::Attestation { .. }), "{cause}");
    let classic_attestation = ClassicLayer {
        subject: digest('a').parse().unwrap(),
        content: envelope(&other, &statement(PROVENANCE, &digest('a')))
            .to_string()
            .into_bytes(),
        annotations: BTreeMap::new(),
    };
    let both = Evidence {
        signatures: vec![classic(&key, 'a')],
        attestations: vec![classic_attestation],
        ..Evidence::default()
    };
    assert!(decide(&both, &wanted).is_ok());
}

#[test]
fn children_stand_for_an_index_only_if_all_of_them_are_signed() {
    let key = SigningKey::p256();
    let wanted = requirement(&[&key], 1);
    let image = image(&['b', 'c']);
    let one = Evidence {
        signatures: vec![classic(&key, 'b')],
        ..Evidence::default()
    };
    let cause = decide_about(&image, &one, &wanted).unwrap_err();
    let child = digest('c').parse().unwrap();
    let unsigned = Box::new(Cause::Unsigned);
    assert_eq!(
        cause,
        Cause::Child {
            child,
            cause: unsigned
        }
    );
    let all = Evidence {
        signatures: vec![classic(&key, 'b')],
        bundles: vec![bundle(&key, SIGN, 'c')],
        ..Evidence::default()
    };
    let found = decide_about(&image, &all, &wanted).unwrap();
    assert_eq!(found.children, image.children);
    let mut moved = classic(&key, 'b');
    moved.subject = image.digest.clone();
    let moved = Evidence {
        signatures: vec![moved],
        ..Evidence::default()
    };
    let cause = decide_about(&image, &moved, &wanted).unwrap_err();
    assert!(matches!(cause, Cause::OtherManifest { .. }), "{cause}");
}

#[test]
fn a_minimum_age_and_a_required_log_need_a_log_time() {
    let key = SigningKey::p256();
    let evidence = Evidence {
        signatures: vec![classic(&key, 'a')],
        bundles: vec![bundle(&key, SIGN, 'a')],
        ..Evidence::default()
    };
    let mut wanted = requirement(&[&key], 1);
    wanted.minimum_age = Some(Duration::from_secs(1));
    assert_eq!(decide(&evidence, &wanted), Err(Cause::NoLogTime));
    wanted.minimum_age = None;
    wanted.log = LogRequirement::Required;
    assert_eq!(decide(&evidence, &wanted), Err(Cause::NotLogged));
    wanted.log = LogRequirement::Ignored;
    assert!(decide(&evidence, &wanted).is_ok());
}

#[test]
fn incomplete_evidence_fails_closed() {
    let key = SigningKey::p256();
    let wanted = requirement(&[&key], 1);
    let gap = Some("registry.example.com denies listing referrers (403)".to_owned());
    let mut evidence = Evidence {
        gap,
        ..Evidence::default()
    };
    let message = decide(&evidence, &wanted).unwrap_err().to_string();
    let expected = "the list of signatures may be incomplete: \"registry.example.com denies listing referrers \
                    (403)\"; what was found: no signature was found";
    assert_eq!(message, expected);
    evidence.signatures.push(classic(&key, 'a'));
    assert!(decide(&evidence, &wanted).is_ok());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
