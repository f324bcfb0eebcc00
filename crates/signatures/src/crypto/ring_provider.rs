//! The provider of cryptography that `sigstore-verify` uses, on `ring`.

use std::cell::RefCell;

use image_name::Digest;
use ring::digest::{Algorithm, Context, SHA256, SHA384, SHA512};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use sigstore_verify::crypto::{
    CryptoProvider, Error, HashContext, SigningScheme, install_default_provider,
};
use sigstore_verify::types::HashAlgorithm;

/// Signature checks and hashes on `ring`. It makes no signatures.
#[derive(Debug)]
struct RingProvider;

static RING: RingProvider = RingProvider;

/// Makes `ring` the provider of the process. Later calls change nothing.
pub(crate) fn install() {
    // An error says that a provider is already there, which is this one.
    let _ = install_default_provider(&RING);
}

thread_local! {
    /// The message of [`with_message`].
    static MESSAGE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs a check in which signatures over the digest of `message` may occur.
///
/// `ring` verifies signatures over messages only, and `sigstore-verify` asks for signatures over a digest even where
/// it was given the message. The message is set aside here. [`RingProvider::verify_prehashed`] takes it only
/// if it has the digest that was asked for, so the answer is that of a check over the digest.
pub(crate) fn with_message<T>(message: &[u8], check: impl FnOnce() -> T) -> T {
    MESSAGE.with_borrow_mut(|kept| message.clone_into(kept));
    let result = check();
    MESSAGE.with_borrow_mut(Vec::clear);
    result
}

/// Formats bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    });
    digits.map(char::from).collect()
}

/// Reports whether bytes have a digest.
pub(crate) fn has_digest(bytes: &[u8], digest: &Digest) -> bool {
    let algorithm = match digest.algorithm() {
        image_name::Algorithm::Sha256 => &SHA256,
        image_name::Algorithm::Sha384 => &SHA384,
        image_name::Algorithm::Sha512 => &SHA512,
    };
    hex(ring::digest::digest(algorithm, bytes).as_ref()) == digest.hex()
}

struct RingHash(Context);

impl HashContext for RingHash {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn finalize(self: Box<Self>) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

impl CryptoProvider for RingProvider {
    fn hash(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashContext>, Error> {
        let algorithm = hash_algorithm(algorithm)?;
        Ok(Box::new(RingHash(Context::new(algorithm))))
    }

    fn verify_raw(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        data: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let algorithm = verification_algorithm(scheme)?;
        UnparsedPublicKey::new(algorithm, key)
            .verify(data, signature)
            .map_err(|_| Error::Verification(format!("{} signature invalid", scheme.name())))
    }

    fn verify_prehashed(
        &self,
        scheme: SigningScheme,
        key: &[u8],
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let unsupported =
            || Error::UnsupportedAlgorithm(format!("{} over a digest", scheme.name()));
        let algorithm = scheme.hash_algorithm().ok_or_else(unsupported)?;
        let algorithm = hash_algorithm(algorithm)?;
        MESSAGE.with_borrow(|message| {
            if ring::digest::digest(algorithm, message).as_ref() != digest {
                return Err(unsupported());
            }
            self.verify_raw(scheme, key, message, signature)
        })
    }
}

fn hash_algorithm(algorithm: HashAlgorithm) -> Result<&'static Algorithm, Error> {
    match algorithm {
        HashAlgorithm::Sha2256 => Ok(&SHA256),
        HashAlgorithm::Sha2384 => Ok(&SHA384),
        HashAlgorithm::Sha2512 => Ok(&SHA512),
        other => Err(Error::UnsupportedAlgorithm(other.to_string())),
    }
}

fn verification_algorithm(
    scheme: SigningScheme,
) -> Result<&'static dyn VerificationAlgorithm, Error> {
    Ok(match scheme {
        SigningScheme::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        SigningScheme::EcdsaP256Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
        SigningScheme::EcdsaP384Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
        SigningScheme::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
        SigningScheme::Ed25519 => &signature::ED25519,
        SigningScheme::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        SigningScheme::RsaPssSha384 => &signature::RSA_PSS_2048_8192_SHA384,
        SigningScheme::RsaPssSha512 => &signature::RSA_PSS_2048_8192_SHA512,
        SigningScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SigningScheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        SigningScheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        other => return Err(Error::UnsupportedAlgorithm(other.name().to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use testkit::signing::SigningKey;

    use super::*;

    #[test]
    fn a_signature_over_a_digest_is_checked_only_with_the_message_of_that_digest() {
        let key = SigningKey::p256();
        let der = key.public_der();
        // The point is at the end of the encoding.
        let point = &der[der.len() - 65..];
        let signature = key.sign(b"message");
        let digest = |message: &[u8]| ring::digest::digest(&SHA256, message);
        let check = |digest: ring::digest::Digest| {
            let scheme = SigningScheme::EcdsaP256Sha256;
            RING.verify_prehashed(scheme, point, digest.as_ref(), &signature)
        };
        let result = with_message(b"message", || check(digest(b"message")));
        assert!(result.is_ok(), "{result:?}");
        let other = with_message(b"message", || check(digest(b"other")));
        assert!(matches!(other, Err(Error::UnsupportedAlgorithm(_))));
        let forgotten = check(digest(b"message"));
        assert!(matches!(forgotten, Err(Error::UnsupportedAlgorithm(_))));
    }
}
