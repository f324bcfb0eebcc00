//! Signatures with keys that the real cosign makes, versions 2 and 3, in real registries.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::Path;
use std::time::SystemTime;

use embedded_registry::images::{Format, Image, Layer, Platform};
use image_name::{Digest, DigestTagKind};
use serde_json::Value;
use signatures::{
    AttachedBundle, AttestationRequirement, Cause, ClassicLayer, Evidence, KeySigners, PublicKey,
    Requirement, SignatureFormat, SignedImage, Signers, TrustRoot, Verification, verify,
};
use testkit::clients::{Cosign, Crane};
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::signing::{SigningAuthority, SigningKey};

const RSA: &str = include_str!("data/rsa-2048.test-key.pem");
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// A signing configuration without services, so that nothing is logged.
const NO_SERVICES: &str = r#"{
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {}
}"#;

struct Signed {
    registry: RegistryProcess,
    digest: Digest,
    crane: Crane,
}

impl Signed {
    async fn new(version: Version) -> Self {
        let registry = Distribution::new().version(version).start().await;
        let layer = Layer::files(&[("hello", b"hello")]).unwrap();
        let image = Image::new(Format::Oci, Platform::linux("amd64"))
            .layer(layer)
            .build();
        let pushed = Pusher::new(&registry.host())
            .bundle(&image, "team/app", Some("1.0"))
            .await;
        Self {
            digest: pushed.as_ref().parse().unwrap(),
            crane: Crane::new(),
            registry,
        }
    }

    fn repository(&self) -> String {
        format!("{}/team/app", self.registry.host())
    }

    fn name(&self) -> String {
        format!("{}@{}", self.repository(), self.digest)
    }

    /// Reads the manifest of a tag about the image, if it is there.
    async fn tagged(&self, kind: DigestTagKind) -> Option<Value> {
        let name = format!("{}:{}", self.repository(), self.digest.tag(kind));
        let manifest = self.crane.manifest(&name).await.ok()?;
        Some(serde_json::from_slice(&manifest).unwrap())
    }

    async fn blob(&self, digest: &str) -> Vec<u8> {
        let name = format!("{}@{digest}", self.repository());
        self.crane.run(&["blob", &name]).await.unwrap()
    }

    async fn layers(&self, kind: DigestTagKind) -> Vec<ClassicLayer> {
        let manifest = self.tagged(kind).await.unwrap_or_default();
        let mut layers = Vec::new();
        for layer in manifest["layers"].as_array().into_iter().flatten() {
            let annotations = layer["annotations"].as_object().into_iter().flatten();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            layers.push(ClassicLayer {
                subject: self.digest.clone(),
                content: self.blob(layer["digest"].as_str().unwrap()).await,
                annotations: annotations
                    .map(|(name, value)| (name.clone(), text(value)))
                    .collect(),
            });
        }
        layers
    }

    /// Reads everything that is attached. distribution lists referrers in a tag.
    async fn evidence(&self) -> Evidence {
        let mut evidence = Evidence {
            signatures: self.layers(DigestTagKind::Signature).await,
            attestations: self.layers(DigestTagKind::Attestation).await,
            ..Evidence::default()
        };
        let index = self
            .tagged(DigestTagKind::Referrers)
            .await
            .unwrap_or_default();
        for referrer in index["manifests"].as_array().into_iter().flatten() {
            let name = format!(
                "{}@{}",
                self.repository(),
                referrer["digest"].as_str().unwrap()
            );
            let manifest: Value =
                serde_json::from_slice(&self.crane.manifest(&name).await.unwrap()).unwrap();
            let kind = manifest["artifactType"].as_str().unwrap();
            assert!(signatures::BUNDLE_MEDIA_TYPES.contains(&kind), "{kind}");
            evidence.bundles.push(AttachedBundle {
                subject: manifest["subject"]["digest"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap(),
                content: self
                    .blob(manifest["layers"][0]["digest"].as_str().unwrap())
                    .await,
            });
        }
        evidence
    }

    async fn decide(&self, keys: &[&SigningKey], attestation: bool) -> Result<Verification, Cause> {
        let image = SignedImage {
            repository: self.repository().parse().unwrap(),
            tag: Some("1.0".parse().unwrap()),
            digest: self.digest.clone(),
            children: Vec::new(),
        };
        let keys: Vec<_> = keys
            .iter()
            .map(|key| PublicKey::from_pem("key.pub", &key.public_pem()).unwrap())
            .collect();
        let threshold = keys.len();
        let mut requirement = Requirement::new(Signers::Keys(KeySigners { keys, threshold }));
        if attestation {
            requirement.attestations.push(AttestationRequirement {
                predicate_type: PROVENANCE.to_owned(),
                signers: None,
            });
        }
        let root = TrustRoot::embedded().unwrap();
        let evidence = self.evidence().await;
        let decision = verify(&image, &evidence, &requirement, &root, SystemTime::now());
        decision.map_err(|refusal| refusal.cause)
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
