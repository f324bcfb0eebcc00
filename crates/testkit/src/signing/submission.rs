//! The requests of signers to a certificate authority and a transparency log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{PublicKeyData, SignatureAlgorithm};
use serde_json::Value;

use super::documents::{dsse_text_log_body, intoto_log_body};

/// Returns the body that a log keeps of an entry that a signer proposes.
pub(super) fn canonical_body(proposed: &Value) -> Option<Value> {
    let spec = &proposed["spec"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let decoded = |value: &Value| {
        let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok())?;
        String::from_utf8(decoded).ok()
    };
    match proposed["kind"].as_str()? {
        "hashedrekord" => Some(proposed.clone()),
        "dsse" => {
            let content = &spec["proposedContent"];
            let verifier = decoded(&content["verifiers"][0])?;
            Some(dsse_text_log_body(&text(&content["envelope"])?, &verifier))
        }
        "intoto" => {
            let verifier = decoded(&spec["publicKey"])?;
            let envelope = text(&spec["content"]["envelope"])?;
            Some(intoto_log_body(&envelope, &verifier))
        }
        _ => None,
    }
}

/// The identity in an OpenID Connect token.
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) issuer: String,
}

impl Identity {
    /// Reads the token of an `Authorization` header. Nothing of it is verified.
    pub(super) fn of_bearer(header: &str) -> Option<Self> {
        let token = header.strip_prefix("Bearer ")?;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let subject = claims
            .get("email")
            .or_else(|| claims.get("sub"))?
            .as_str()?;
        Some(Self {
            subject: subject.to_owned(),
            issuer: claims["iss"].as_str()?.to_owned(),
        })
    }

    /// Returns a token of this identity, with a signature that nothing verifies.
    pub(super) fn token(&self) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = serde_json::json!({"alg": "RS256", "typ": "JWT"});
        let claims = serde_json::json!({
            "aud": "sigstore",
            "email": self.subject,
            "email_verified": true,
            "exp": 4_000_000_000_u64,
            "iat": 1_700_000_000,
            "iss": self.issuer,
            "sub": self.subject,
        });
        format!("{}.{}.c2lnbmF0dXJl", encode(&header), encode(&claims))
    }
}

/// An ECDSA key on P-256 for which a signer asks for a certificate.
pub(super) struct RequestedKey(Vec<u8>);

impl RequestedKey {
    /// Reads the key of a request in the first or second version of the protocol.
    pub(super) fn of_request(request: &Value) -> Option<Self> {
        let pem = match request.pointer("/publicKeyRequest/publicKey/content") {
            Some(pem) => pem.as_str()?.to_owned(),
            None => {
                let content = request.pointer("/publicKey/content")?.as_str()?;
                String::from_utf8(STANDARD.decode(content).ok()?).ok()?
            }
        };
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let der = STANDARD.decode(lines.collect::<String>()).ok()?;
        // The uncompressed point is at the end.
        let point = der.len().checked_sub(65)?;
        Some(Self(der[point..].to_vec()))
    }
}

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}
