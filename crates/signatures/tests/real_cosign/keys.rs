//! Signatures with keys that are in no log.

use std::path::Path;

use signatures::{Cause, SignatureFormat};
use testkit::clients::Cosign;
use testkit::processes::Version;
use testkit::signing::{SigningAuthority, SigningKey};

use super::signed::{PROVENANCE, Signed};

const RSA: &str = include_str!("../data/rsa-2048.test-key.pem");
/// A signing configuration without services, so that nothing is logged.
const NO_SERVICES: &str = r#"{
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {}
}"#;

fn keys() -> [(&'static str, SigningKey); 4] {
    [
        ("p256", SigningKey::p256()),
        ("p384", SigningKey::p384()),
        ("ed25519", SigningKey::ed25519()),
        ("rsa", SigningKey::from_pem(RSA)),
    ]
}

/// Returns the switches with which cosign 3 asks no service, not even for a trusted root.
fn without_services(cosign: &Cosign) -> [String; 4] {
    let root = SigningAuthority::new("own").trusted_root().to_string();
    let files = [("--signing-config", NO_SERVICES), ("--trusted-root", &root)];
    let files = files.map(|(switch, text)| {
        let path = cosign.write(&format!("{}.json", &switch[2..]), text);
        [switch.to_owned(), path.to_string_lossy().into_owned()]
    });
    let [[config, path], [root, root_path]] = files;
    [config, path, root, root_path]
}

/// Signs with a key and without a log.
async fn sign(cosign: &Cosign, key: &Path, name: &str, logless: &[&str]) {
    let key = key.to_string_lossy();
    let arguments = [&["sign", "--yes", "--key", &key], logless, &[name]].concat();
    cosign.run(&arguments).await.unwrap();
}

async fn attest(cosign: &Cosign, key: &Path, name: &str, logless: &[&str]) {
    let predicate = cosign.write(
        "predicate.json",
        r#"{"buildDefinition": {}, "runDetails": {}}"#,
    );
    let (key, predicate) = (key.to_string_lossy(), predicate.to_string_lossy());
    let common = [
        "attest",
        "--yes",
        "--type",
        PROVENANCE,
        "--predicate",
        &predicate,
        "--key",
        &key,
    ];
    cosign
        .run(&[&common, logless, &[name]].concat())
        .await
        .unwrap();
}

#[tokio::test]
async fn signatures_and_attestations_of_cosign_3_are_bundles() {
    let cosign = Cosign::v3();
    let logless = without_services(&cosign);
    let logless: Vec<&str> = logless.iter().map(String::as_str).collect();
    // cosign v3.1.3 signs with Ed25519ph, verifies the result as Ed25519, and fails.
    let keys = keys().into_iter().filter(|(name, _)| *name != "ed25519");
    for (name, key) in keys {
        let signed = Signed::new(Version::V3).await;
        let file = cosign.import_key(name, &key.private_pem()).await.unwrap();
        let cause = signed.decide(&[&key], false).await.unwrap_err();
        assert_eq!(cause, Cause::Unsigned, "{name}");
        sign(&cosign, &file, &signed.name(), &logless).await;
        let found = signed.decide(&[&key], false).await.expect(name);
        assert_eq!(found.format, SignatureFormat::BundleV03, "{name}");
        let cause = signed
            .decide(&[&SigningKey::p256()], false)
            .await
            .unwrap_err();
        assert!(matches!(cause, Cause::OtherKey(_)), "{name}: {cause}");
        let cause = signed.decide(&[&key], true).await.unwrap_err();
        assert!(
            matches!(cause, Cause::Attestation { .. }),
            "{name}: {cause}"
        );
        attest(&cosign, &file, &signed.name(), &logless).await;
        assert_eq!(
            signed.decide(&[&key], true).await.map(|found| found.format),
            Ok(SignatureFormat::BundleV03)
        );
    }
}

#[tokio::test]
async fn signatures_and_attestations_of_cosign_2_are_tags() {
    let cosign = Cosign::v2();
    let logless = ["--tlog-upload=false"];
    for (name, key) in keys() {
        let signed = Signed::new(Version::V2).await;
        let file = cosign.import_key(name, &key.private_pem()).await.unwrap();
        sign(&cosign, &file, &signed.name(), &logless).await;
        let found = signed.decide(&[&key], false).await.expect(name);
        assert_eq!(found.format, SignatureFormat::Classic, "{name}");
        let cause = signed
            .decide(&[&SigningKey::p256()], false)
            .await
            .unwrap_err();
        assert!(matches!(cause, Cause::OtherKey(_)), "{name}: {cause}");
        attest(&cosign, &file, &signed.name(), &logless).await;
        assert_eq!(
            signed.decide(&[&key], true).await.map(|found| found.format),
            Ok(SignatureFormat::Classic)
        );
    }
}

#[tokio::test]
async fn two_keys_in_two_forms_satisfy_a_threshold() {
    let signed = Signed::new(Version::V3).await;
    let (first, second) = (SigningKey::p256(), SigningKey::p256());
    let (old, new) = (Cosign::v2(), Cosign::v3());
    let logless = without_services(&new);
    let logless: Vec<&str> = logless.iter().map(String::as_str).collect();
    let file = old.import_key("first", &first.private_pem()).await.unwrap();
    sign(&old, &file, &signed.name(), &["--tlog-upload=false"]).await;
    let cause = signed.decide(&[&first, &second], false).await.unwrap_err();
    let one = Cause::Threshold {
        signed: 1,
        required: 2,
    };
    assert_eq!(cause, one);
    let file = new
        .import_key("second", &second.private_pem())
        .await
        .unwrap();
    sign(&new, &file, &signed.name(), &logless).await;
    let found = signed.decide(&[&first, &second], false).await.unwrap();
    assert_eq!(found.signed_by.split(',').count(), 2);
}
