//! A registry with images that are signed in all forms.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use embedded_registry::images::{
    Artifact, Bundle, Content, Format, Platform, digest_tag, sample_image,
};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Map, Value, json};
use testkit::signing::{
    EntryOptions, KeylessSigner, LeafOptions, SigningAuthority, SigningKey, classic_payload,
    envelope, statement,
};

use crate::environment::TestEnvironment;

/// The issuer of the certificates.
pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// The identity in the certificates.
pub(crate) const IDENTITY: &str =
    "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1";
/// The file of the public key.
pub(crate) const PUBLIC_KEY: &str = "keys/team.pub";
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const DAY: u64 = 24 * 60 * 60;

/// A registry with signed images, and an environment with the public key and the trusted root.
pub(crate) struct Signed {
    pub(crate) registry: RunningRegistry,
    pub(crate) environment: TestEnvironment,
    pub(crate) key: SigningKey,
    pub(crate) authority: SigningAuthority,
}

impl Signed {
    pub(crate) async fn new() -> Self {
        Self::with(Registry::new()).await
    }

    pub(crate) async fn with(registry: Registry) -> Self {
        let registry = registry.access_log(10_000).start().await.unwrap();
        let environment = TestEnvironment::new();
        let key = SigningKey::p256();
        let authority = SigningAuthority::new("own");
        std::fs::create_dir_all(environment.path("keys")).unwrap();
        environment.write(PUBLIC_KEY, key.public_pem());
        environment.write("root.json", authority.trusted_root().to_string());
        Self {
            registry,
            environment,
            key,
            authority,
        }
    }

    /// Pushes an image with two platforms that no other repository has.
    pub(crate) fn push(&self, repository: &str, tag: &str) -> Bundle {
        let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
        let seed = repository
            .bytes()
            .chain(tag.bytes())
            .fold(7, |seed, byte| (seed * 31 + u64::from(byte)) & 0xffff);
        let image = sample_image(repository, seed, &platforms, 1).unwrap();
        image.push(&self.registry, repository, Some(tag));
        image
    }

    /// Pushes another image under a tag.
    pub(crate) fn push_again(&self, repository: &str, tag: &str) -> Bundle {
        let image = sample_image(repository, 99_991, &[Platform::linux("amd64")], 1).unwrap();
        image.push(&self.registry, repository, Some(tag));
        image
    }

    /// Returns the name that signatures of a repository have.
    pub(crate) fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.registry.host())
    }

    /// Signs a digest with the key, as cosign 2 does: a layer of `sha256-HEX.sig`.
    pub(crate) fn sign_classic(&self, repository: &str, digest: &str, key: &SigningKey) {
        self.sign_classic_as(&self.name(repository), repository, digest, key);
    }

    /// Signs a digest for another name than that of the repository.
    pub(crate) fn sign_classic_as(
        &self,
        name: &str,
        repository: &str,
        digest: &str,
        key: &SigningKey,
    ) {
        let payload = classic_payload(name, digest);
        let signature = key.sign_base64(payload.as_bytes());
        let annotations = vec![("dev.cosignproject.cosign/signature".to_owned(), signature)];
        self.put_classic(repository, digest, &payload, annotations);
    }

    /// Signs a digest with a certificate, as cosign 2 does.
    pub(crate) fn sign_classic_keyless(&self, repository: &str, digest: &str, identity: &str) {
        let payload = classic_payload(&self.name(repository), digest);
        let signed = now() - 3 * DAY;
        let signer =
            KeylessSigner::new(&self.authority, &LeafOptions::new(identity, ISSUER, signed));
        let annotations = signer.classic(&payload, signed + 5);
        self.put_classic(repository, digest, &payload, annotations);
    }

    fn put_classic(
        &self,
        repository: &str,
        digest: &str,
        payload: &str,
        annotations: Vec<(String, String)>,
    ) {
        let blob = Content::new(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            payload.to_owned(),
        );
        let mut layer = blob.descriptor();
        let annotations = annotations.into_iter();
        layer["annotations"] = annotations
            .map(|(key, value)| (key, Value::from(value)))
            .collect::<Map<_, _>>()
            .into();
        let config = Content::new("application/vnd.oci.image.config.v1+json", "{}");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.manifest(),
            "config": config.descriptor(),
            "layers": [layer],
        });
        for content in [&blob, &config] {
            self.registry.put_blob(repository, content.bytes().clone());
        }
        let tag = digest_tag(&digest.parse().unwrap(), Some("sig"));
        let bytes = Bytes::from(manifest.to_string());
        self.registry
            .put_manifest(repository, Some(&tag), Format::Oci.manifest(), bytes);
    }

    /// Signs an image with the key, as cosign 3 does: a bundle that refers to it.
    pub(crate) fn sign_bundle(&self, repository: &str, image: &Bundle, key: &SigningKey) -> Bundle {
        self.attest_with_key(repository, image, SIGN, key)
    }

    /// Attaches an attestation that is signed with a key.
    pub(crate) fn attest_with_key(
        &self,
        repository: &str,
        image: &Bundle,
        predicate_type: &str,
        key: &SigningKey,
    ) -> Bundle {
        let envelope = envelope(key, &statement(predicate_type, image.digest().as_ref()));
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []},
            "dsseEnvelope": envelope,
        });
        self.attach(repository, image, &bundle)
    }

    /// Signs an image with a certificate that was logged some days ago.
    pub(crate) fn sign_keyless(&self, repository: &str, image: &Bundle, identity: &str, days: u64) {
        self.attest(repository, image, SIGN, identity, days);
    }

    /// Attaches an attestation that is signed with a certificate.
    pub(crate) fn attest(
        &self,
        repository: &str,
        image: &Bundle,
        predicate_type: &str,
        identity: &str,
        days: u64,
    ) {
        let signed = now() - days * DAY;
        let signer =
            KeylessSigner::new(&self.authority, &LeafOptions::new(identity, ISSUER, signed));
        let entry = EntryOptions {
            time: signed + 5,
            proof: true,
            promise: true,
        };
        let statement = statement(predicate_type, image.digest().as_ref());
        let bundle = signer.bundle(&statement, entry);
        self.attach(repository, image, &bundle);
    }

    fn attach(&self, repository: &str, image: &Bundle, bundle: &Value) -> Bundle {
        let referrer = Artifact::new(BUNDLE).blob(BUNDLE, bundle.to_string());
        let referrer = referrer.subject(image).build();
        referrer.push(&self.registry, repository, None);
        referrer
    }

    /// Lists a referrer as a registry without the referrers API does: in an index under a tag.
    pub(crate) fn list_by_tag(&self, repository: &str, image: &Bundle, referrer: &Bundle) {
        let index = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.index(),
            "manifests": [referrer.descriptor()],
        });
        let tag = digest_tag(image.digest(), None);
        let bytes = Bytes::from(index.to_string());
        self.registry
            .put_manifest(repository, Some(&tag), Format::Oci.index(), bytes);
    }

    /// Returns a policy that requires the key or the certificate for images of repositories.
    pub(crate) fn policy(&self, entries: &[(&str, Value)]) -> String {
        let host = self.registry.host();
        let entries = entries.iter().map(|(pattern, requirement)| {
            let mut entry = json!({"match": format!("{host}/{pattern}")});
            for (key, value) in requirement.as_object().unwrap() {
                entry[key] = value.clone();
            }
            entry
        });
        json!({"images": entries.collect::<Vec<_>>()}).to_string()
    }
}

/// Returns the requirement of the key.
pub(crate) fn key_requirement() -> Value {
    json!({"keys": [PUBLIC_KEY]})
}

/// Returns the requirement of the certificate.
pub(crate) fn keyless_requirement() -> Value {
    json!({"keyless": {"issuer": ISSUER, "identityRegexp": "^https://github\\.com/org/"}})
}

/// Returns the time in seconds since 1970.
fn now() -> u64 {
    let now: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}
