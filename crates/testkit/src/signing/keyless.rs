//! Signatures with certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authority::SigningAuthority;
use super::documents::{dsse_log_body, envelope, hashed_log_body};
use super::leaf::LeafOptions;
use super::signing_key::SigningKey;
use super::transparency_log::{EntryOptions, TransparencyLog};

/// A holder of a certificate.
#[derive(Debug)]
pub struct KeylessSigner<'a> {
    authority: &'a SigningAuthority,
    key: SigningKey,
    certificate: Vec<u8>,
}

impl<'a> KeylessSigner<'a> {
    /// Asks an authority for a certificate for a new key.
    pub fn new(authority: &'a SigningAuthority, options: &LeafOptions) -> Self {
        let key = SigningKey::p256();
        Self {
            authority,
            certificate: authority.issue(&key, options),
            key,
        }
    }

    /// Returns the certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        certificate_pem(&self.certificate)
    }

    /// Returns the certificate as DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Returns the key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs a statement and logs it: a bundle v0.3.
    pub fn bundle(&self, statement: &Value, entry: EntryOptions) -> Value {
        let envelope = envelope(&self.key, statement);
        let body = dsse_log_body(&envelope, &self.certificate_pem());
        let entry = self.authority.log().append(&body, entry);
        bundle_json(
            json!({"certificate": {"rawBytes": STANDARD.encode(&self.certificate)}}),
            &[entry],
            &envelope,
        )
    }

    /// Signs the bytes of a manifest and logs the signature: a bundle v0.3 with a message signature.
    pub fn message_bundle(&self, manifest: &[u8], entry: EntryOptions) -> Value {
        let signature = self.key.sign_base64(manifest);
        let body = hashed_log_body(manifest, &signature, &self.certificate_pem());
        let digest = &body["spec"]["data"]["hash"]["value"];
        let digest = hex_base64(digest.as_str().expect("a digest"));
        let entry = self.authority.log().append(&body, entry);
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": STANDARD.encode(&self.certificate)},
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": digest},
                "signature": signature,
            },
        })
    }

    /// Signs a payload and logs the signature: the annotations of a classic layer.
    pub fn classic(&self, payload: &str, time: u64) -> Vec<(String, String)> {
        let signature = self.key.sign_base64(payload.as_bytes());
        let body = hashed_log_body(payload.as_bytes(), &signature, &self.certificate_pem());
        let mut annotations = self.logged(&body, time);
        annotations.push(("dev.cosignproject.cosign/signature".to_owned(), signature));
        annotations
    }

    /// Signs a statement and logs it: the content and the annotations of a classic attestation.
    pub fn classic_attestation(
        &self,
        statement: &Value,
        time: u64,
    ) -> (String, Vec<(String, String)>) {
        let envelope = envelope(&self.key, statement);
        let body = dsse_log_body(&envelope, &self.certificate_pem());
        (envelope.to_string(), self.logged(&body, time))
    }

    fn logged(&self, body: &Value, time: u64) -> Vec<(String, String)> {
        let options = EntryOptions {
            time,
            proof: false,
            promise: true,
        };
        let entry = self.authority.log().append(body, options);
        let annotation = |name: &str, value| (format!("dev.sigstore.cosign/{name}"), value);
        vec![
            annotation("certificate", self.certificate_pem()),
            annotation("chain", self.authority.chain_pem()),
            annotation("bundle", TransparencyLog::annotation(&entry)),
        ]
    }
}

/// Returns a bundle v0.3 around an envelope.
pub fn bundle_json(mut material: Value, entries: &[Value], envelope: &Value) -> Value {
    material["tlogEntries"] = entries.into();
    material["timestampVerificationData"] = json!({"rfc3161Timestamps": []});
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
        "dsseEnvelope": envelope,
    })
}

/// Returns a certificate in PEM.
pub(super) fn certificate_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}

fn hex_base64(hex: &str) -> String {
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).expect("hexadecimal digits");
        u8::from_str_radix(pair, 16).expect("hexadecimal digits")
    };
    STANDARD.encode(hex.as_bytes().chunks(2).map(byte).collect::<Vec<_>>())
}
