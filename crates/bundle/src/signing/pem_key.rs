//! ECDSA P-256 and Ed25519 keys in PEM files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, UnparsedPublicKey, VerificationAlgorithm,
};

use super::error::SignatureError;

/// A private key.
pub(super) enum PrivateKey {
    EcdsaP256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A public key.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    algorithm: Algorithm,
    /// The point of the curve.
    point: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Algorithm {
    EcdsaP256,
    Ed25519,
}

/// The DER of a `SubjectPublicKeyInfo` before the point (RFC 5480, RFC 8410), and the length of the point.
const PUBLIC_KEYS: [(Algorithm, &[u8], usize); 2] = [
    (
        Algorithm::EcdsaP256,
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
            0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        65,
    ),
    (
        Algorithm::Ed25519,
        &[
            0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
        ],
        32,
    ),
];

const SUPPORTED: &str = "supported are ECDSA P-256 and Ed25519 keys in PEM, and minisign keys";

/// Returns the label and the content of the only section of a PEM file.
fn section(text: &str) -> Result<(&str, Vec<u8>), SignatureError> {
    let invalid = |detail: &str| SignatureError::Key(format!("it is no PEM file: {detail}"));
    let (_, after) = text
        .split_once("-----BEGIN ")
        .ok_or_else(|| SignatureError::Key(format!("it is no key; {SUPPORTED}")))?;
    let (label, body) = after
        .split_once("-----")
        .ok_or_else(|| invalid("its first line is cut off"))?;
    let (body, _) = body
        .split_once("-----END ")
        .ok_or_else(|| invalid("it has no last line"))?;
    let compact: String = body.split_ascii_whitespace().collect();
    let content = STANDARD
        .decode(compact)
        .map_err(|_| invalid("its content is no base64"))?;
    Ok((label, content))
}

/// Parses a private key in PKCS#8.
///
/// # Errors
///
/// [`SignatureError::Key`], with the command that converts a key of another form.
pub(super) fn private_key(text: &str) -> Result<PrivateKey, SignatureError> {
    let (label, der) = section(text)?;
    match label {
        "PRIVATE KEY" => {}
        "EC PRIVATE KEY" => {
            return Err(SignatureError::Key(
                "it is a key in the SEC1 form: convert it with `openssl pkcs8 -topk8 -nocrypt`"
                    .into(),
            ));
        }
        label if label.contains("ENCRYPTED") => {
            return Err(SignatureError::Key(
                "encrypted PEM keys are not supported: decrypt it, or use a minisign key".into(),
            ));
        }
        label => {
            let label: String = label.chars().take(40).collect();
            return Err(SignatureError::Key(format!(
                "it is {label:?}, not a private key; {SUPPORTED}"
            )));
        }
    }
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
        return Ok(PrivateKey::Ed25519(key));
    }
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der, &random)
        .map(PrivateKey::EcdsaP256)
        .map_err(|error| {
            SignatureError::Key(format!(
                "the private key is not supported ({error}); {SUPPORTED}"
            ))
        })
}

/// Parses a public key.
///
/// # Errors
///
/// [`SignatureError::Key`].
pub(super) fn public_key(text: &str) -> Result<PublicKey, SignatureError> {
    let (label, der) = section(text)?;
    if label != "PUBLIC KEY" {
        let label: String = label.chars().take(40).collect();
        return Err(SignatureError::Key(format!(
            "it is {label:?}, not a public key"
        )));
    }
    for (algorithm, prefix, length) in PUBLIC_KEYS {
        if let Some(point) = der.strip_prefix(prefix)
            && point.len() == length
        {
            let point = point.to_vec();
            return Ok(PublicKey { algorithm, point });
        }
    }
    Err(SignatureError::Key(format!(
        "the public key is of another kind; {SUPPORTED}"
    )))
}

impl PrivateKey {
    /// Returns the public key.
    pub(super) fn public_key(&self) -> PublicKey {
        let (algorithm, point) = match self {
            Self::EcdsaP256(key) => (Algorithm::EcdsaP256, key.public_key().as_ref()),
            Self::Ed25519(key) => (Algorithm::Ed25519, key.public_key().as_ref()),
        };
        PublicKey {
            algorithm,
            point: point.to_vec(),
        }
    }

    /// Signs bytes.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Sign`].
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, SignatureError> {
        match self {
            Self::Ed25519(key) => Ok(key.sign(bytes).as_ref().to_vec()),
            Self::EcdsaP256(key) => {
                let signed = key.sign(&SystemRandom::new(), bytes);
                let signed = signed.map_err(|_| SignatureError::Sign("no randomness".into()))?;
                Ok(signed.as_ref().to_vec())
            }
        }
    }
}

impl PublicKey {
    /// Returns true if the signature is one of these bytes, plain or as base64.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.algorithm {
            Algorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
            Algorithm::Ed25519 => &ED25519,
        };
        let key = UnparsedPublicKey::new(algorithm, &self.point);
        let decoded = STANDARD.decode(signature.trim_ascii()).ok();
        let mut forms = [Some(signature), decoded.as_deref()].into_iter().flatten();
        forms.any(|signature| key.verify(bytes, signature).is_ok())
    }
}
