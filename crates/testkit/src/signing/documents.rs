//! The documents that signers of images sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::signing_key::SigningKey;

/// Returns the payload of a classic signature by cosign. `digest` is `sha256:HEX`.
pub fn classic_payload(repository: &str, digest: &str) -> String {
    json!({
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
}

/// Returns an in-toto statement about an image.
pub fn statement(predicate_type: &str, digest: &str) -> Value {
    let (algorithm, hex) = digest.split_once(':').expect("a digest");
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {algorithm: hex}}],
        "predicateType": predicate_type,
        "predicate": {},
    })
}

/// Returns a DSSE envelope around a statement.
pub fn envelope(key: &SigningKey, statement: &Value) -> Value {
    const TYPE: &str = "application/vnd.in-toto+json";
    let payload = statement.to_string();
    json!({
        "payloadType": TYPE,
        "payload": STANDARD.encode(&payload),
        "signatures": [{"sig": key.sign_base64(&pae(TYPE, payload.as_bytes()))}],
    })
}

/// Returns the bytes that are signed for a DSSE envelope.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let length = payload_type.len();
    let mut bytes = format!("DSSEv1 {length} {payload_type} {} ", payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the body of a log entry for an envelope with one signature (`dsse` 0.0.1).
pub fn dsse_log_body(envelope: &Value, verifier_pem: &str) -> Value {
    dsse_text_log_body(&envelope.to_string(), verifier_pem)
}

/// Returns the body of a log entry for the text of an envelope with one signature (`dsse` 0.0.1).
pub(super) fn dsse_text_log_body(text: &str, verifier_pem: &str) -> Value {
    let envelope: Value = serde_json::from_str(text).expect("an envelope");
    let payload = envelope["payload"]
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok());
    let payload = payload.expect("a payload in base64");
    json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": sha256(text.as_bytes())},
            "payloadHash": {"algorithm": "sha256", "value": sha256(&payload)},
            "signatures": [{
                "signature": envelope["signatures"][0]["sig"],
                "verifier": STANDARD.encode(verifier_pem),
            }],
        },
    })
}

/// Returns the body of a log entry for the text of an envelope, as cosign made it until 2023 (`intoto` 0.0.1).
pub fn intoto_log_body(text: &str, verifier_pem: &str) -> Value {
    let envelope: Value = serde_json::from_str(text).expect("an envelope");
    let payload = envelope["payload"].as_str();
    let payload = payload.and_then(|payload| STANDARD.decode(payload).ok());
    let payload = payload.expect("a payload in base64");
    json!({
        "apiVersion": "0.0.1",
        "kind": "intoto",
        "spec": {
            "content": {
                "hash": {"algorithm": "sha256", "value": sha256(text.as_bytes())},
                "payloadHash": {"algorithm": "sha256", "value": sha256(&payload)},
            },
            "publicKey": STANDARD.encode(verifier_pem),
        },
    })
}

/// Returns the body of a log entry for a signature over bytes (`hashedrekord` 0.0.1).
pub fn hashed_log_body(message: &[u8], signature: &str, verifier_pem: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": sha256(message)}},
            "signature": {
                "content": signature,
                "publicKey": {"content": STANDARD.encode(verifier_pem)},
            },
        },
    })
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
