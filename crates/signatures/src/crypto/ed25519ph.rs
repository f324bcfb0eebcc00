//! Ed25519 over a digest (RFC 8032, Ed25519ph), in which cosign signs with Ed25519 keys.

use ed25519_dalek::{Digest as _, Sha512, Signature, VerifyingKey};

/// Reports whether a key of 32 bytes made a signature over the SHA-512 digest of a message.
pub(crate) fn signed_prehashed(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = key.try_into().ok().map(VerifyingKey::from_bytes);
    let (Some(Ok(key)), Ok(signature)) = (key, Signature::from_slice(signature)) else {
        return false;
    };
    let digest = Sha512::new_with_prefix(message);
    key.verify_prehashed_strict(digest, None, &signature)
        .is_ok()
}
