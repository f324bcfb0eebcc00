//! Signatures and attestations of Sigstore's public and staging instances, verified offline.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::time::{Duration, SystemTime};

use image_name::Digest;
use serde_json::Value;
use signatures::{
    AttachedBundle, AttestationRequirement, Cause, Evidence, IdentityMatcher, KeylessSigner,
    Requirement, SignatureFormat, SignedBy, SignedImage, Signers, TrustRoot, Verification, verify,
};
use sigstore_verify::trust_root::{
    SIGSTORE_PRODUCTION_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT,
};

/// A public bundle: its text, subject, predicate type, identity, issuer, form and log time.
struct Public {
    text: &'static str,
    subject: &'static str,
    /// The predicate type, or nothing for a signature over the manifest.
    attests: Option<&'static str>,
    identity: &'static str,
    issuer: &'static str,
    format: SignatureFormat,
    logged_at: u64,
    /// It is from the staging instance, whose trusted root is given.
    staging: bool,
}

const GITHUB: &str = "https://github.com/login/oauth";
const BLOB: &[u8] = include_bytes!("data/public/cosign-v3-blob.txt");

const PUBLIC: [Public; 4] = [
    Public {
        text: include_str!("data/public/oci-attestation.sigstore.json"),
        subject: "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4",
        attests: Some("https://cosign.sigstore.dev/attestation/v1"),
        identity: "cody@soyland.com",
        issuer: GITHUB,
        format: SignatureFormat::BundleV03,
        logged_at: 1_740_770_291,
        staging: false,
    },
    Public {
        text: include_str!("data/public/sigstore-js-provenance.sigstore.json"),
        subject: "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540\
                  fe34640966eee9fc2ccca387082b4c85cd3c",
        attests: Some("https://slsa.dev/provenance/v1"),
        identity: "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main",
        issuer: "https://token.actions.githubusercontent.com",
        format: SignatureFormat::BundleV01,
        logged_at: 1_692_374_735,
        staging: false,
    },
    // Rekor v2: the time is that of a timestamp authority.
    Public {
        text: include_str!("data/public/conda-attestation-rekor2.sigstore.json"),
        subject: "sha256:54303491a8418fbed24344b513546182c29b43bf282ceb433af65e2299f9271f",
        attests: Some("https://schemas.conda.org/attestations-publish-1.schema.json"),
        identity: "jku@goto.fi",
        issuer: GITHUB,
        format: SignatureFormat::BundleV03,
        logged_at: 1_779_781_336,
        staging: true,
    },
    // The signature of a file, which takes the place of a manifest here.
    Public {
        text: include_str!("data/public/cosign-v3-blob.sigstore.json"),
        subject: "sha256:e194b99df663950132 5c5f44da79fe3a8efae6f239bd79443a19787e06fb1764",
        attests: None,
        identity: "w.vollprecht@gmail.com",
        issuer: GITHUB,
        format: SignatureFormat::BundleV03,
        logged_at: 1_764_787_003,
        staging: false,
    },
];

impl Public {
    fn decide(
        &self,
        bundle: &str,
        change: impl FnOnce(&mut Requirement),
    ) -> Result<Verification, Cause> {
        let root = match self.staging {
            true => SIGSTORE_STAGING_TRUSTED_ROOT,
            false => SIGSTORE_PRODUCTION_TRUSTED_ROOT,
        };
        self.decide_with(bundle, root, change)
    }

    fn decide_with(
        &self,
        bundle: &str,
        root: &str,
        change: impl FnOnce(&mut Requirement),
    ) -> Result<Verification, Cause> {
        let digest: Digest = self.subject.replace(' ', "").parse().unwrap();
        let image = SignedImage {
            repository: "ghcr.io/org/app".parse().unwrap(),
            tag: None,
            digest: digest.clone(),
            children: Vec::new(),
        };
        let mut evidence = Evidence::default();
        evidence.manifests.insert(digest.clone(), BLOB.to_vec());
        evidence.bundles.push(AttachedBundle {
            subject: digest,
            content: bundle.as_bytes().to_vec(),
        });
        let mut requirement = Requirement::new(Signers::Keyless(KeylessSigner {
            issuer: self.issuer.to_owned(),
            identity: IdentityMatcher::Exact(self.identity.to_owned()),
        }));
        if let Some(predicate_type) = self.attests {
            requirement.signed_by = SignedBy::Attestation;
            requirement.attestations.push(AttestationRequirement {
                predicate_type: predicate_type.to_owned(),
                signers: None,
            });
        }
        change(&mut requirement);
        let root = TrustRoot::from_json(root).unwrap();
        let decision = verify(&image, &evidence, &requirement, &root, SystemTime::now());
        decision.map_err(|refusal| match refusal.cause {
            Cause::Attestation { cause, .. } => *cause,
            cause => cause,
        })
    }
}

#[test]
fn public_bundles_of_all_versions_are_verified_offline() {
    for public in PUBLIC {
        let found = public.decide(public.text, |_| {}).unwrap();
        assert_eq!(found.signed_by, public.identity);
        assert_eq!(found.issuer.as_deref(), Some(public.issuer));
        assert_eq!(found.format, public.format);
        let logged_at = found
            .logged_at
            .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let logged_at = logged_at.unwrap().as_secs();
        // The timestamp authority is asked before the log, within seconds.
        assert!(
            logged_at.abs_diff(public.logged_at) < 60,
            "{}: {logged_at}",
            public.identity
        );
    }
}

#[test]
fn public_bundles_of_other_signers_and_images_are_refused() {
    for (number, public) in PUBLIC.iter().enumerate() {
        let other = |requirement: &mut Requirement| {
            requirement.signers = Signers::Keyless(KeylessSigner {
                issuer: public.issuer.to_owned(),
                identity: IdentityMatcher::Exact("other@example.com".to_owned()),
            });
        };
        let cause = public.decide(public.text, other).unwrap_err();
        assert!(
            matches!(cause, Cause::OtherIdentity { .. }),
            "{}: {cause}",
            public.identity
        );
        let young = |requirement: &mut Requirement| {
            requirement.minimum_age = Some(Duration::from_secs(100 * 365 * 24 * 60 * 60));
        };
        let cause = public.decide(public.text, young).unwrap_err();
        assert!(
            matches!(cause, Cause::TooYoung { .. }),
            "{}: {cause}",
            public.identity
        );
        let next = &PUBLIC[(number + 1) % PUBLIC.len()];
        let cause = Public {
            text: next.text,
            attests: next.attests,
            staging: next.staging,
            ..*public
        }
        .decide(next.text, |_| {});
        let cause = cause.unwrap_err();
        assert!(
            matches!(cause, Cause::OtherImage { .. }),
            "{}: {cause}",
            public.identity
        );
    }
}

/// A change of the timestamps, and the beginning of the cause as Rust prints it.
type Break = (&'static str, fn(&mut Value, &Value));

#[test]
fn forged_timestamps_are_refused() {
    const BREAKS: [Break; 5] = [
        ("NoTime", |timestamps, _| {
            *timestamps = Value::Array(Vec::new());
        }),
        ("Timestamp(", |timestamps, other| {
            *timestamps = other.clone();
        }),
        ("Timestamp(", |timestamps, other| {
            let other = other[0].clone();
            timestamps.as_array_mut().unwrap().push(other);
        }),
        ("Timestamp(", |timestamps, _| {
            let token = timestamps[0]["signedTimestamp"]
                .as_str()
                .unwrap()
                .to_owned();
            timestamps[0]["signedTimestamp"] = token[..token.len() / 8 * 4].into();
        }),
        ("Timestamp(", |timestamps, _| {
            let token = timestamps[0]["signedTimestamp"].as_str().unwrap();
            let end = if token.ends_with("AAAA") {
                "AQEB"
            } else {
                "AAAA"
            };
            let changed = format!("{}{end}", &token[..token.len() - 4]);
            timestamps[0]["signedTimestamp"] = changed.into();
        }),
    ];
    const PLACE: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let [_, _, public, blob] = PUBLIC;
    let other: Value = serde_json::from_str(blob.text).unwrap();
    for (number, (expected, change)) in BREAKS.iter().enumerate() {
        let mut bundle: Value = serde_json::from_str(public.text).unwrap();
        change(
            bundle.pointer_mut(PLACE).unwrap(),
            other.pointer(PLACE).unwrap(),
        );
        let cause = public.decide(&bundle.to_string(), |_| {}).unwrap_err();
        let found = format!("{cause:?}");
        assert!(found.starts_with(expected), "{number}: {found}");
    }
}

#[test]
fn an_entry_of_rekor_v2_in_a_log_that_was_closed_is_refused() {
    let [_, _, public, _] = PUBLIC;
    let mut root: Value = serde_json::from_str(SIGSTORE_STAGING_TRUSTED_ROOT).unwrap();
    for log in root["tlogs"].as_array_mut().unwrap() {
        log["publicKey"]["validFor"] = serde_json::json!({
            "start": "2020-01-01T00:00:00Z",
            "end": "2025-01-01T00:00:00Z",
        });
    }
    let cause = public.decide_with(public.text, &root.to_string(), |_| {});
    assert!(matches!(cause, Err(Cause::LogTime(_))), "{cause:?}");
}
