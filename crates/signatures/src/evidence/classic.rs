//! Layers of the tags `sha256-HEX.sig` and `sha256-HEX.att` of cosign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_verify::types::{Bundle, DerCertificate};

use super::attached::ClassicLayer;
use super::claim::{Claim, Message, Purpose};
use super::entry_kind;
use super::envelope::{Envelope, decode};
use super::format::SignatureFormat;
use super::json;
use super::payload::Payload;
use crate::crypto::{self, MAX_CHAIN};
use crate::refusal::Cause;

/// The annotations of cosign.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const LOG_ENTRY: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// Reads a layer of `sha256-HEX.sig`.
pub(super) fn read_signature(layer: &ClassicLayer) -> Result<Claim, Cause> {
    let payload = Payload::parse(&layer.content)?;
    let written = annotation(layer, SIGNATURE)?
        .ok_or_else(|| Cause::Malformed(format!("the layer has no annotation `{SIGNATURE}`")))?;
    let signature = decode(SIGNATURE, written)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &layer.content);
    let content = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": STANDARD.encode(digest)},
        "signature": written,
    });
    Ok(Claim {
        place: String::new(),
        attached_to: layer.subject.clone(),
        format: SignatureFormat::Classic,
        purpose: Purpose::Signature,
        digests: vec![payload.digest],
        reference: Some(payload.reference),
        message: Message::Payload(layer.content.clone()),
        signature,
        bundle: bundle(layer, "messageSignature", content)?,
    })
}

/// Reads a layer of `sha256-HEX.att`.
pub(super) fn read_attestation(layer: &ClassicLayer) -> Result<Claim, Cause> {
    let value = json::parse(&layer.content)?;
    let envelope = Envelope::read(&value)?;
    Ok(Claim {
        place: String::new(),
        attached_to: layer.subject.clone(),
        format: SignatureFormat::Classic,
        purpose: Purpose::Attestation(envelope.statement.predicate_type),
        digests: envelope.statement.digests,
        reference: None,
        message: Message::Envelope(envelope.message),
        signature: envelope.signature,
        bundle: bundle(layer, "dsseEnvelope", value)?,
    })
}

/// Converts a layer to a bundle v0.1, the version whose log entries need no inclusion proof.
fn bundle(layer: &ClassicLayer, field: &str, content: Value) -> Result<Bundle, Cause> {
    let mut material = match certificates(layer)? {
        Some(certificates) => json!({"x509CertificateChain": {"certificates": certificates}}),
        None => json!({"publicKey": {"hint": ""}}),
    };
    let entries = annotation(layer, LOG_ENTRY)?.map(log_entry).transpose()?;
    material["tlogEntries"] = entries.into_iter().collect();
    if let Some(written) = annotation(layer, TIMESTAMP)? {
        let value = json::parse(written.as_bytes())?;
        let token = json::text(&value, "/SignedRFC3161Timestamp")?;
        material["timestampVerificationData"] =
            json!({"rfc3161Timestamps": [{"signedTimestamp": token}]});
    }
    let mut value = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": material,
    });
    value[field] = content;
    let unreadable = |error: serde_json::Error| Cause::Malformed(Cause::text(&error.to_string()));
    serde_json::from_value(value).map_err(unreadable)
}

/// Reads the certificate and its chain. A chain without a certificate is an error: it would be left out.
fn certificates(layer: &ClassicLayer) -> Result<Option<Vec<Value>>, Cause> {
    let leaf = annotation(layer, CERTIFICATE)?;
    let chain = annotation(layer, CHAIN)?.unwrap_or_default();
    let Some(leaf) = leaf else {
        if chain.is_empty() {
            return Ok(None);
        }
        let message = "the layer has a certificate chain without a certificate";
        return Err(Cause::Malformed(message.to_owned()));
    };
    let mut found = pem_certificates(leaf)?;
    if found.len() > 1 {
        let message = format!(
            "annotation `{CERTIFICATE}` has {} certificates",
            found.len()
        );
        return Err(Cause::Ambiguous(message));
    }
    found.extend(pem_certificates(chain)?);
    if found.len() > MAX_CHAIN {
        let message = format!("{} certificates, more than {MAX_CHAIN}", found.len());
        return Err(Cause::Certificate(message));
    }
    let raw = |certificate: &DerCertificate| json!({"rawBytes": certificate.to_base64()});
    Ok(Some(found.iter().map(raw).collect()))
}

fn pem_certificates(text: &str) -> Result<Vec<DerCertificate>, Cause> {
    crypto::pem_certificates(text).ok_or_else(|| Cause::Certificate("not PEM".to_owned()))
}

/// Converts the annotation of a log entry, which has a promise of inclusion and no proof.
fn log_entry(written: &str) -> Result<Value, Cause> {
    let value = json::parse(written.as_bytes())?;
    let body_text = json::text(&value, "/Payload/body")?;
    let body = json::parse(&decode("body", body_text)?)?;
    let number = |pointer: &str| {
        let found = value.pointer(pointer).and_then(Value::as_i64);
        found.ok_or_else(|| Cause::LogEntry(format!("`{pointer}` is no number")))
    };
    let kind = json::text(&body, "/kind")?;
    let version = json::text(&body, "/apiVersion")?;
    entry_kind::check(kind, version)?;
    let log_id = hex_bytes(json::text(&value, "/Payload/logID")?)
        .ok_or_else(|| Cause::LogEntry("`logID` is not hexadecimal".to_owned()))?;
    Ok(json!({
        "logIndex": number("/Payload/logIndex")?.to_string(),
        "logId": {"keyId": STANDARD.encode(log_id)},
        "kindVersion": {"kind": kind, "version": version},
        "integratedTime": number("/Payload/integratedTime")?.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": json::text(&value, "/SignedEntryTimestamp")?},
        "canonicalizedBody": body_text,
    }))
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Returns an annotation that is not empty.
fn annotation<'layer>(
    layer: &'layer ClassicLayer,
    key: &str,
) -> Result<Option<&'layer str>, Cause> {
    let value = layer.annotations.get(key).map(String::as_str);
    match value {
        Some(text) if text.len() > super::payload::MAX_PAYLOAD => Err(Cause::TooLarge {
            size: text.len(),
            limit: super::payload::MAX_PAYLOAD,
        }),
        other => Ok(other.filter(|text| !text.is_empty())),
    }
}
