//! DSSE envelopes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sigstore_verify::types::pae;

use super::json;
use super::statement::{PAYLOAD_TYPE, Statement};
use crate::refusal::Cause;

/// An envelope with one signature. Source: DSSE specification.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The statement in the payload.
    pub(super) statement: Statement,
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The bytes that are signed.
    pub(super) message: Vec<u8>,
}

impl Envelope {
    /// Reads an envelope from parsed JSON.
    pub(super) fn read(value: &Value) -> Result<Self, Cause> {
        let payload_type = json::text(value, "/payloadType")?;
        if payload_type != PAYLOAD_TYPE {
            return Err(Cause::PayloadType(Cause::text(payload_type)));
        }
        let payload = decode("payload", json::text(value, "/payload")?)?;
        let signatures = value.get("signatures").and_then(Value::as_array);
        let signature = match signatures.map(Vec::as_slice) {
            Some([signature]) => json::text(signature, "/sig")?,
            Some([]) | None => {
                return Err(Cause::Malformed("the envelope has no signature".to_owned()));
            }
            Some(several) => {
                let message = format!("the envelope has {} signatures", several.len());
                return Err(Cause::Ambiguous(message));
            }
        };
        Ok(Self {
            statement: Statement::parse(&payload)?,
            signature: decode("sig", signature)?,
            message: pae(payload_type, &payload),
        })
    }
}

/// Decodes a field in base64.
pub(super) fn decode(field: &str, text: &str) -> Result<Vec<u8>, Cause> {
    let malformed = |_| Cause::Malformed(format!("`{field}` is not base64"));
    STANDARD.decode(text).map_err(malformed)
}
