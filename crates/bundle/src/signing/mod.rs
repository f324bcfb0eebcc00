//! Signatures of `mirror.json`, which has the digest of every other member.
//!
//! Two kinds of keys are supported: those of minisign, and ECDSA P-256 or Ed25519 keys in PEM files, as
//! `openssl` and `cosign` have them. `minisign -V`, `openssl dgst -verify` and `cosign verify-blob` verify
//! the same signatures.

mod error;
mod minisign_key;
mod pem_key;
mod signature;
mod signing_key;
mod verifying_key;

pub use error::SignatureError;
pub use signature::{Signature, SignatureFormat};
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;
