//! An image that cosign signs in a real registry.

use std::time::SystemTime;

use embedded_registry::images::{Format, Image, Layer, Platform};
use image_name::{Digest, DigestTagKind};
use serde_json::Value;
use signatures::{
    AttachedBundle, AttestationRequirement, Cause, ClassicLayer, Evidence, KeySigners, PublicKey,
    Requirement, SignedImage, Signers, TrustRoot, Verification, verify,
};
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;
use testkit::signing::SigningKey;

pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// An image in a real registry.
pub struct Signed {
    registry: RegistryProcess,
    digest: Digest,
    crane: Crane,
}

impl Signed {
    pub async fn new(version: Version) -> Self {
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

    pub fn repository(&self) -> String {
        format!("{}/team/app", self.registry.host())
    }

    pub fn name(&self) -> String {
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

    /// Decides with keys and the trusted root of the public instance.
    pub async fn decide(
        &self,
        keys: &[&SigningKey],
        attestation: bool,
    ) -> Result<Verification, Cause> {
        let mut requirement = keys_requirement(keys);
        if attestation {
            requirement.attestations.push(AttestationRequirement {
                predicate_type: PROVENANCE.to_owned(),
                signers: None,
            });
        }
        self.decide_with(&requirement, &TrustRoot::embedded().unwrap())
            .await
    }

    pub async fn decide_with(
        &self,
        requirement: &Requirement,
        root: &TrustRoot,
    ) -> Result<Verification, Cause> {
        let image = SignedImage {
            repository: self.repository().parse().unwrap(),
            tag: Some("1.0".parse().unwrap()),
            digest: self.digest.clone(),
            children: Vec::new(),
        };
        let evidence = self.evidence().await;
        let decision = verify(&image, &evidence, requirement, root, SystemTime::now());
        decision.map_err(|refusal| refusal.cause)
    }
}

/// Returns the requirement of signatures with all of these keys.
pub fn keys_requirement(keys: &[&SigningKey]) -> Requirement {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| PublicKey::from_pem("key.pub", &key.public_pem()).unwrap())
        .collect();
    let threshold = keys.len();
    Requirement::new(Signers::Keys(KeySigners { keys, threshold }))
}
