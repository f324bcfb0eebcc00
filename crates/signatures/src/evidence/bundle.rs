//! Sigstore bundles.

use image_name::Digest;
use serde_json::Value;
use sigstore_verify::types::{Bundle, MediaType};

use super::attached::AttachedBundle;
use super::claim::{Claim, Message, Purpose};
use super::entry_kind;
use super::envelope::{Envelope, decode};
use super::format::SignatureFormat;
use super::json;
use crate::refusal::Cause;

/// The predicate type of a statement that signs an image (cosign 3). Other predicates attest something about it,
/// which may be nothing good.
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// Reads a bundle.
pub(super) fn read(attached: &AttachedBundle) -> Result<Claim, Cause> {
    let value = json::parse(&attached.content)?;
    json::text(&value, "/mediaType")?;
    one_of(&value, &["messageSignature", "dsseEnvelope"])?;
    let material = value.get("verificationMaterial").unwrap_or(&Value::Null);
    one_of(
        material,
        &["certificate", "x509CertificateChain", "publicKey"],
    )?;
    let entries = material.get("tlogEntries").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let kind = json::text(entry, "/kindVersion/kind")?;
        entry_kind::check(kind, json::text(entry, "/kindVersion/version")?)?;
    }
    let content = match value.get("dsseEnvelope").filter(|found| !found.is_null()) {
        Some(envelope) => with_envelope(envelope)?,
        None => with_message_signature(value.get("messageSignature").unwrap_or(&Value::Null))?,
    };
    let bundle: Bundle = serde_json::from_slice(&attached.content)
        .map_err(|error| Cause::Unsupported(Cause::text(&error.to_string())))?;
    let format = match bundle.media_type() {
        MediaType::Bundle0_1 => SignatureFormat::BundleV01,
        MediaType::Bundle0_2 => SignatureFormat::BundleV02,
        MediaType::Bundle0_3 => SignatureFormat::BundleV03,
        other => return Err(Cause::Unsupported(other.to_string())),
    };
    Ok(Claim {
        place: String::new(),
        attached_to: attached.subject.clone(),
        format,
        purpose: content.purpose,
        digests: content.digests,
        reference: None,
        message: content.message,
        signature: content.signature,
        bundle,
    })
}

/// The signed content of a bundle.
struct Content {
    purpose: Purpose,
    digests: Vec<Digest>,
    message: Message,
    signature: Vec<u8>,
}

fn with_envelope(envelope: &Value) -> Result<Content, Cause> {
    let envelope = Envelope::read(envelope)?;
    let purpose = match envelope.statement.predicate_type {
        kind if kind == SIGN => Purpose::Signature,
        kind => Purpose::Attestation(kind),
    };
    if purpose == Purpose::Signature && envelope.statement.subjects != 1 {
        let message = format!("it signs {} subjects", envelope.statement.subjects);
        return Err(Cause::Ambiguous(message));
    }
    Ok(Content {
        purpose,
        digests: envelope.statement.digests,
        message: Message::Envelope(envelope.message),
        signature: envelope.signature,
    })
}

/// Reads a signature over the manifest itself. It names the manifest by its digest.
fn with_message_signature(signature: &Value) -> Result<Content, Cause> {
    let algorithm = match json::text(signature, "/messageDigest/algorithm")? {
        "SHA2_256" => "sha256",
        "SHA2_384" => "sha384",
        "SHA2_512" => "sha512",
        other => return Err(Cause::Unsupported(Cause::text(other))),
    };
    let digest = decode("digest", json::text(signature, "/messageDigest/digest")?)?;
    let digest = format!("{algorithm}:{}", crate::crypto::hex(&digest));
    let malformed = |_| Cause::Malformed(format!("{} is no digest", Cause::text(&digest)));
    let digest: Digest = digest.parse().map_err(malformed)?;
    Ok(Content {
        purpose: Purpose::Signature,
        digests: vec![digest],
        message: Message::Manifest,
        signature: decode("signature", json::text(signature, "/signature")?)?,
    })
}

/// Refuses an object that has several of the fields of which one is read.
fn one_of(value: &Value, fields: &[&str]) -> Result<(), Cause> {
    let found: Vec<_> = fields
        .iter()
        .filter(|field| value.get(**field).is_some_and(|value| !value.is_null()))
        .collect();
    match found.as_slice() {
        [_] => Ok(()),
        [] => Err(Cause::Malformed(format!("none of {fields:?} is there"))),
        several => Err(Cause::Ambiguous(format!("it has {several:?}"))),
    }
}
