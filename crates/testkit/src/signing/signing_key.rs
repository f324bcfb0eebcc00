//! Keys that sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PublicKeyData as _, SigningKey as _};
use sha2::{Digest as _, Sha256};

/// A new key that signs images.
#[derive(Debug)]
pub struct SigningKey(KeyPair);

impl SigningKey {
    /// Creates an ECDSA key on P-256, which signs with SHA-256.
    pub fn p256() -> Self {
        Self::generate(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    /// Creates an ECDSA key on P-384, which signs with SHA-384.
    pub fn p384() -> Self {
        Self::generate(&rcgen::PKCS_ECDSA_P384_SHA384)
    }

    /// Creates an Ed25519 key.
    pub fn ed25519() -> Self {
        Self::generate(&rcgen::PKCS_ED25519)
    }

    fn generate(algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        Self(KeyPair::generate_for(algorithm).expect("generate a key"))
    }

    /// Reads a private key in PEM (PKCS #8), such as an RSA key.
    pub fn from_pem(pem: &str) -> Self {
        Self(KeyPair::from_pem(pem).expect("a private key in PEM"))
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).expect("sign a message")
    }

    /// Signs a message, in base64.
    pub fn sign_base64(&self, message: &[u8]) -> String {
        STANDARD.encode(self.sign(message))
    }

    /// Returns the public key in PEM.
    pub fn public_pem(&self) -> String {
        self.0.public_key_pem()
    }

    /// Returns the public key as DER (`SubjectPublicKeyInfo`).
    pub fn public_der(&self) -> Vec<u8> {
        self.0.subject_public_key_info()
    }

    /// Returns the private key in PEM (PKCS #8).
    pub fn private_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Returns the SHA-256 digest of the public key, which is the ID of a log with this key.
    pub fn id(&self) -> [u8; 32] {
        Sha256::digest(self.public_der()).into()
    }

    pub(super) fn pair(&self) -> &KeyPair {
        &self.0
    }
}
