//! Signatures in a log, which the real cosign made with the services of a Sigstore instance of the testkit's own.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use signatures::{
    AttestationRequirement, Cause, IdentityMatcher, KeylessSigner, LogRequirement, PublicKey,
    Requirement, SignatureFormat, Signers, TrustRoot, Verification,
};
use testkit::clients::Cosign;
use testkit::processes::Version;
use testkit::signing::{SigningAuthority, SigningKey, SigstoreService};

use super::signed::{PROVENANCE, Signed, keys_requirement};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const EMAIL: &str = "ci@example.com";
const ISSUER: &str = "https://issuer.example.com";

fn root(service: &SigstoreService) -> TrustRoot {
    TrustRoot::from_json(&service.authority().trusted_root().to_string()).unwrap()
}

/// Returns the switches with which cosign 3 signs with a service and trusts it.
fn services(cosign: &Cosign, service: &SigstoreService) -> Vec<String> {
    let config = service.signing_config().to_string();
    let root = service.authority().trusted_root().to_string();
    let files = [("--signing-config", config), ("--trusted-root", root)];
    let switch = |(switch, text): (&str, String)| {
        let path = cosign.write(&format!("{}.json", &switch[2..]), &text);
        [switch.to_owned(), path.to_string_lossy().into_owned()]
    };
    files.into_iter().flat_map(switch).collect()
}

fn predicate(cosign: &Cosign) -> PathBuf {
    cosign.write(
        "predicate.json",
        r#"{"buildDefinition": {}, "runDetails": {}}"#,
    )
}

/// Runs a command of cosign about an image.
async fn run(cosign: &Cosign, command: &str, switches: &[String], signed: &Signed) {
    let mut arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
    arguments.extend(switches.iter().cloned());
    arguments.push(signed.name());
    cosign.run(&arguments).await.unwrap();
}

/// Checks that the log's time decides about the minimum age, and that the log must be trusted.
async fn check_age(signed: &Signed, requirement: &Requirement, root: &TrustRoot) -> Verification {
    let found = signed.decide_with(requirement, root).await.unwrap();
    let logged = SystemTime::now().duration_since(found.logged_at.unwrap());
    let days = logged.unwrap().as_secs() / DAY.as_secs();
    assert_eq!(days, 3);
    let aged = |days| Requirement {
        minimum_age: Some(DAY * days),
        ..requirement.clone()
    };
    let found_again = signed.decide_with(&aged(3), root).await;
    assert_eq!(found_again.as_ref(), Ok(&found));
    let cause = signed.decide_with(&aged(4), root).await.unwrap_err();
    let young = Cause::TooYoung { age: 3, minimum: 4 };
    assert_eq!(cause, young);
    let public = TrustRoot::embedded().unwrap();
    let cause = signed.decide_with(requirement, &public).await.unwrap_err();
    assert!(matches!(cause, Cause::UnknownLog(_)), "{cause}");
    found
}

#[tokio::test]
async fn logged_signatures_with_keys_by_cosign_3_have_a_time() {
    let service = SigstoreService::start(SigningAuthority::new("own"), DAY * 3).await;
    let cosign = Cosign::v3();
    // cosign v3.1.3 logs no statement that a P-384 key signed: it signs the SHA-256 digest and verifies SHA-384.
    let key = SigningKey::p256();
    let signed = Signed::new(Version::V3).await;
    let file = cosign.import_key("p256", &key.private_pem()).await.unwrap();
    let mut switches = services(&cosign, &service);
    switches.extend(["--key".to_owned(), file.to_string_lossy().into_owned()]);
    run(&cosign, "sign --yes", &switches, &signed).await;
    let requirement = keys_requirement(&[&key]);
    let found = check_age(&signed, &requirement, &root(&service)).await;
    assert_eq!(found.format, SignatureFormat::BundleV03);
}

#[tokio::test]
async fn logged_signatures_and_attestations_with_keys_by_cosign_2_have_a_time() {
    let service = SigstoreService::start(SigningAuthority::new("own"), DAY * 3).await;
    let cosign = Cosign::v2();
    let key = SigningKey::p256();
    let signed = Signed::new(Version::V2).await;
    let file = cosign.import_key("p256", &key.private_pem()).await.unwrap();
    let mut switches = vec!["--key".to_owned(), file.to_string_lossy().into_owned()];
    switches.extend(["--rekor-url".to_owned(), service.url()]);
    run(&cosign, "sign --yes", &switches, &signed).await;
    let mut requirement = keys_requirement(&[&key]);
    let found = check_age(&signed, &requirement, &root(&service)).await;
    assert_eq!(found.format, SignatureFormat::Classic);

    // A policy may name the log by its key alone.
    let log = service.authority().log().key().public_pem();
    let log = PublicKey::from_pem("rekor.pub", &log).unwrap();
    let logged = Requirement {
        log: LogRequirement::Required,
        ..requirement.clone()
    };
    let only_log = TrustRoot::from_logs(&[log]).unwrap();
    assert_eq!(signed.decide_with(&logged, &only_log).await, Ok(found));

    requirement.attestations.push(AttestationRequirement {
        predicate_type: PROVENANCE.to_owned(),
        signers: None,
    });
    let predicate = predicate(&cosign).to_string_lossy().into_owned();
    let attest = format!("attest --yes --type {PROVENANCE} --predicate {predicate}");
    run(&cosign, &attest, &switches, &signed).await;
    check_age(&signed, &requirement, &root(&service)).await;
}

fn keyless() -> Requirement {
    Requirement::new(Signers::Keyless(KeylessSigner {
        issuer: ISSUER.to_owned(),
        identity: IdentityMatcher::Exact(EMAIL.to_owned()),
    }))
}

#[tokio::test]
async fn certificates_of_an_own_authority_are_verified_in_both_forms() {
    let service = SigstoreService::start(SigningAuthority::new("own"), Duration::ZERO).await;
    let token = ["--identity-token".to_owned(), service.token(EMAIL, ISSUER)];
    let (new, old) = (Cosign::v3(), Cosign::v2());
    let mut of_new = services(&new, &service);
    of_new.extend(token.clone());
    let urls = ["--fulcio-url", "--rekor-url"].map(|switch| [switch.to_owned(), service.url()]);
    let mut of_old = urls.concat();
    of_old.extend(token);
    of_old.push("--insecure-skip-verify".to_owned());
    let forms = [
        (&new, of_new, Version::V3, SignatureFormat::BundleV03),
        (&old, of_old, Version::V2, SignatureFormat::Classic),
    ];
    for (cosign, switches, version, format) in forms {
        let signed = Signed::new(version).await;
        run(cosign, "sign --yes", &switches, &signed).await;
        let root = root(&service);
        let found = signed.decide_with(&keyless(), &root).await.unwrap();
        assert_eq!(found.signed_by, EMAIL, "{format}");
        assert_eq!(found.format, format);
        assert!(found.logged_at.is_some(), "{format}");
        let other = SigningAuthority::new("own").trusted_root().to_string();
        let other = TrustRoot::from_json(&other).unwrap();
        let cause = signed.decide_with(&keyless(), &other).await.unwrap_err();
        assert!(matches!(cause, Cause::UnknownLog(_)), "{format}: {cause}");
    }
}
