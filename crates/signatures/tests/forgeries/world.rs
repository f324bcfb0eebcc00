//! The valid signatures that forgeries start from.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use image_name::Digest;
use serde_json::{Value, json};
use sha2::Digest as _;
use signatures::{
    AttachedBundle, Cause, ClassicLayer, Evidence, IdentityMatcher, KeylessSigner as Wanted,
    Requirement, SignedImage, Signers, TrustRoot, Verification, verify,
};
use testkit::signing::{
    EntryOptions, KeylessSigner, LeafOptions, SigningAuthority, classic_payload, statement,
};

pub const REPOSITORY: &str = "org/app";
pub const HOST: &str = "registry.example.com";
pub const IDENTITY: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1";
pub const PATTERN: &str = r"^https://github\.com/org/[^/]+/\.github/workflows/";
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// 2026-01-01.
pub const SIGNED: u64 = 1_767_225_600;
pub const ENTRY: EntryOptions = EntryOptions {
    time: SIGNED + 5,
    proof: true,
    promise: true,
};

/// The forms of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A bundle with a statement, as cosign 3 makes it.
    Statement,
    /// A bundle with a signature over the manifest.
    Message,
    /// A tag `sha256-HEX.sig`, as cosign 2 makes it.
    Classic,
}

pub const FORMS: [Form; 3] = [Form::Statement, Form::Message, Form::Classic];
pub const BUNDLES: [Form; 2] = [Form::Statement, Form::Message];

/// A signed document as a forger has it in hand.
#[derive(Clone, Debug)]
pub enum Document {
    Bundle(Value),
    /// A bundle whose text is not that of a value, such as one with duplicate keys.
    Text(Vec<u8>),
    Classic {
        payload: Vec<u8>,
        annotations: BTreeMap<String, String>,
    },
}

/// A forged signature and the cause for which it must be refused.
pub struct Forgery {
    pub name: String,
    pub form: Form,
    pub document: Document,
    pub trusted_root: Value,
    /// The beginning of the cause, as Rust prints it.
    pub expected: &'static str,
}

/// Two Sigstore instances and an image.
pub struct World {
    pub authority: SigningAuthority,
    pub other: SigningAuthority,
    pub manifest: Vec<u8>,
}

impl World {
    pub fn new() -> Self {
        let config = json!({
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest_of(b"{}"),
            "size": 2,
        });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": [],
        });
        Self {
            authority: SigningAuthority::new("own"),
            other: SigningAuthority::new("other"),
            manifest: manifest.to_string().into_bytes(),
        }
    }

    pub fn digest(&self) -> String {
        digest_of(&self.manifest)
    }

    pub fn leaf(&self) -> LeafOptions {
        LeafOptions::new(IDENTITY, ISSUER, SIGNED)
    }

    pub fn signer(&self) -> KeylessSigner<'_> {
        KeylessSigner::new(&self.authority, &self.leaf())
    }

    pub fn name(&self) -> String {
        format!("{HOST}/{REPOSITORY}")
    }

    /// Signs the image in one of the forms.
    pub fn document(
        &self,
        form: Form,
        signer: &KeylessSigner<'_>,
        entry: EntryOptions,
    ) -> Document {
        match form {
            Form::Statement => {
                Document::Bundle(signer.bundle(&statement(SIGN, &self.digest()), entry))
            }
            Form::Message => Document::Bundle(signer.message_bundle(&self.manifest, entry)),
            Form::Classic => {
                let payload = classic_payload(&self.name(), &self.digest());
                Document::Classic {
                    annotations: signer.classic(&payload, entry.time).into_iter().collect(),
                    payload: payload.into_bytes(),
                }
            }
        }
    }

    pub fn valid(&self, form: Form) -> Document {
        self.document(form, &self.signer(), ENTRY)
    }

    pub fn image(&self) -> SignedImage {
        SignedImage {
            repository: self.name().parse().unwrap(),
            tag: Some("1.0".parse().unwrap()),
            digest: self.digest().parse().unwrap(),
            children: Vec::new(),
        }
    }

    pub fn evidence(&self, document: &Document) -> Evidence {
        let subject: Digest = self.digest().parse().unwrap();
        let mut evidence = Evidence::default();
        evidence
            .manifests
            .insert(subject.clone(), self.manifest.clone());
        match document {
            Document::Bundle(value) => evidence.bundles.push(AttachedBundle {
                subject,
                content: value.to_string().into_bytes(),
            }),
            Document::Text(content) => evidence.bundles.push(AttachedBundle {
                subject,
                content: content.clone(),
            }),
            Document::Classic {
                payload,
                annotations,
            } => evidence.signatures.push(ClassicLayer {
                subject,
                content: payload.clone(),
                annotations: annotations.clone(),
            }),
        }
        evidence
    }

    /// Decides about a document with the requirement of the table.
    pub fn decide(&self, document: &Document, trusted_root: &Value) -> Result<Verification, Cause> {
        let requirement = Requirement::new(Signers::Keyless(Wanted {
            issuer: ISSUER.to_owned(),
            identity: IdentityMatcher::pattern(PATTERN).unwrap(),
        }));
        self.decide_with(document, trusted_root, &requirement)
    }

    pub fn decide_with(
        &self,
        document: &Document,
        trusted_root: &Value,
        requirement: &Requirement,
    ) -> Result<Verification, Cause> {
        let root = TrustRoot::from_json(&trusted_root.to_string()).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(SIGNED + 10 * 24 * 60 * 60);
        let decision = verify(
            &self.image(),
            &self.evidence(document),
            requirement,
            &root,
            now,
        );
        decision.map_err(|refusal| refusal.cause)
    }
}

pub fn digest_of(bytes: &[u8]) -> String {
    let digest = sha2::Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
