//! A public key that verifies bundles.

use super::error::SignatureError;
use super::minisign_key;
use super::pem_key::{self, PublicKey};
use super::signature::{Signature, SignatureFormat};

/// A public key that verifies signatures of `mirror.json`.
#[derive(Debug, Clone)]
pub struct VerifyingKey(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Minisign(minisign::PublicKey),
    Pem(PublicKey),
}

impl VerifyingKey {
    /// Parses the text of a key file, or the one line of a minisign key.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Key`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        if minisign_key::is_public_key(text) {
            return minisign_key::public_key(text).map(|key| Self(Kind::Minisign(key)));
        }
        pem_key::public_key(text).map(|key| Self(Kind::Pem(key)))
    }

    pub(super) fn minisign(key: minisign::PublicKey) -> Self {
        Self(Kind::Minisign(key))
    }

    pub(super) fn pem(key: PublicKey) -> Self {
        Self(Kind::Pem(key))
    }

    /// Verifies that a signature is one of these bytes by this key.
    ///
    /// # Errors
    ///
    /// [`SignatureError`].
    pub fn verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let file = signature.format.file_name();
        let other_kind = |key| SignatureError::Kind {
            signature: file,
            key,
        };
        match (&self.0, signature.format) {
            (Kind::Minisign(key), SignatureFormat::Minisign) => {
                minisign_key::verify(key, bytes, &signature.bytes)
            }
            (Kind::Pem(key), SignatureFormat::Plain) => {
                let verified = key.verifies(bytes, &signature.bytes);
                verified.then_some(()).ok_or(SignatureError::Mismatch {
                    detail: String::new(),
                })
            }
            (Kind::Minisign(_), _) => Err(other_kind("a minisign key")),
            (Kind::Pem(_), _) => Err(other_kind("a PEM key")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    const BYTES: &[u8] = b"{\"formatVersion\":1}";

    fn pem_pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        (pair.serialize_pem(), pair.public_key_pem())
    }

    fn ecdsa_pair() -> (String, String) {
        pem_pair(&rcgen::PKCS_ECDSA_P256_SHA256)
    }

    fn minisign_pair(password: Option<&str>) -> (String, String) {
        let pair = match password {
            Some(password) => {
                minisign::KeyPair::generate_encrypted_keypair(Some(password.to_owned()))
            }
            None => minisign::KeyPair::generate_unencrypted_keypair(),
        };
        let pair = pair.unwrap();
        let secret = pair.sk.to_box(None).unwrap().into_string();
        (secret, pair.pk.to_box().unwrap().into_string())
    }

    #[test]
    fn every_kind_of_key_verifies_its_own_signatures_only() {
        let (secret, public) = minisign_pair(None);
        let (_, other_public) = minisign_pair(None);
        let (ec_private, ec_public) = ecdsa_pair();
        let (ed_private, ed_public) = pem_pair(&rcgen::PKCS_ED25519);
        let bare = public.lines().nth(1).unwrap().to_owned();
        for (private, public, other) in [
            (&*ec_private, &*ec_public, &*ed_public),
            (&*ed_private, &*ed_public, &*ec_public),
            (&*secret, &*public, &*other_public),
            (&*secret, &*bare, &*ec_public),
        ] {
            let key = SigningKey::parse(private, None).unwrap();
            let signature = key.sign(BYTES).unwrap();
            let public = VerifyingKey::parse(public).unwrap();
            public.verify(BYTES, &signature).unwrap();
            assert!(public.verify(b"{}", &signature).is_err());
            let other = VerifyingKey::parse(other).unwrap();
            assert!(other.verify(BYTES, &signature).is_err());
            let own = key.verifying_key().unwrap();
            own.verify(BYTES, &signature).unwrap();
            assert!(own.verify(b"{}", &signature).is_err());
            assert_eq!(format!("{key:?}"), "SigningKey { .. }");
        }
    }

    #[test]
    fn plain_signatures_may_be_base64() {
        use base64::Engine as _;
        let (private, public) = ecdsa_pair();
        let mut signature = SigningKey::parse(&private, None)
            .unwrap()
            .sign(BYTES)
            .unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(&signature.bytes);
        signature.bytes = format!("{text}\n").into_bytes();
        let key = VerifyingKey::parse(&public).unwrap();
        key.verify(BYTES, &signature).unwrap();
    }

    #[test]
    fn encrypted_minisign_key_needs_its_password() {
        let (secret, public) = minisign_pair(Some("word"));
        let none = SigningKey::parse(&secret, None).unwrap_err();
        assert_eq!(none, SignatureError::NoPassword);
        assert!(SigningKey::parse(&secret, Some("other".to_owned())).is_err());
        let key = SigningKey::parse(&secret, Some("word".to_owned())).unwrap();
        let signature = key.sign(BYTES).unwrap();
        VerifyingKey::parse(&public)
            .unwrap()
            .verify(BYTES, &signature)
            .unwrap();
    }

    #[test]
    fn damaged_signatures_are_refused_without_a_panic() {
        let (secret, public) = minisign_pair(None);
        let key = VerifyingKey::parse(&public).unwrap();
        let signature = SigningKey::parse(&secret, None)
            .unwrap()
            .sign(BYTES)
            .unwrap();
        let text = String::from_utf8(signature.bytes.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut damaged = vec![String::new(), "\0\u{ff}".to_owned()];
        for cut in 0..lines.len() {
            damaged.push(lines[..cut].join("\n"));
            let mut short = lines.clone();
            short[cut] = &short[cut][..short[cut].len() / 2];
            damaged.push(short.join("\n"));
        }
        for text in damaged {
            let signature = Signature {
                bytes: text.clone().into_bytes(),
                ..signature.clone()
            };
            assert!(key.verify(BYTES, &signature).is_err(), "{text}");
        }
        let plain = Signature {
            format: SignatureFormat::Plain,
            ..signature
        };
        let error = key.verify(BYTES, &plain).unwrap_err();
        assert!(error.to_string().contains("mirror.json.sig"), "{error}");
    }

    #[test]
    fn unusable_keys_are_named() {
        let (private, _) = ecdsa_pair();
        for (text, cause) in [
            ("", "no key"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                "RSA",
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
                "pkcs8 -topk8",
            ),
            (
                "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAA==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----",
                "encrypted",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                "not supported",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----",
                "no base64",
            ),
            ("untrusted comment: x\nAAAA", "minisign"),
        ] {
            let error = SigningKey::parse(text, None).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
        for (text, cause) in [
            (&*private, "not a public key"),
            (
                "-----BEGIN PUBLIC KEY-----\nMAAA\n-----END PUBLIC KEY-----",
                "another kind",
            ),
        ] {
            let error = VerifyingKey::parse(text).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
    }
}
