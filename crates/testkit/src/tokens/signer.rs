//! Signed tokens (JWT) that distribution accepts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::KeyPair;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::CANARY;
use crate::certificates::Authority;

/// Distribution accepts expired tokens for this long (`Leeway` in registry/auth/token), because clocks
/// differ. Subtracted from every expiry, so that tests do not wait for it.
const LEEWAY: Duration = Duration::from_secs(60);

pub(super) const ISSUER: &str = "testkit";
pub(super) const SERVICE: &str = "registry.test";

/// A signer of tokens with ES256. The header's `x5c` contains the certificate of the key.
pub(super) struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    header: String,
    authority: Authority,
}

impl Signer {
    pub(super) fn new() -> Self {
        let authority = Authority::new("tokens");
        let certificate = authority.server();
        let pair = KeyPair::from_pem(certificate.key()).expect("a key");
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, &pair.serialize_der(), &random);
        let chain = [STANDARD.encode(der(certificate.certificate()))];
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": chain});
        Self {
            key: key.expect("a key for P-256"),
            random,
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            authority,
        }
    }

    /// Returns the certificate that verifies the tokens, in PEM.
    pub(super) fn root(&self) -> &str {
        self.authority.pem()
    }

    /// Returns a signed token with an `access` claim.
    pub(super) fn sign(&self, subject: &str, access: &[Value], lifetime: Duration) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970");
        let claims = json!({
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": subject,
            "nbf": now.as_secs().saturating_sub(LEEWAY.as_secs()),
            "iat": now.as_secs(),
            "exp": (now + lifetime).as_secs().saturating_sub(LEEWAY.as_secs()),
            "jti": format!("{CANARY}-{}", now.as_nanos()),
            "access": access,
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let content = format!("{}.{claims}", self.header);
        let signature = self
            .key
            .sign(&self.random, content.as_bytes())
            .expect("a signature");
        format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Decodes the content of a PEM.
fn der(pem: &str) -> Vec<u8> {
    let text: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    STANDARD.decode(text).expect("a certificate in PEM")
}
