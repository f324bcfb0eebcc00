//! The documents that signers of images sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

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
