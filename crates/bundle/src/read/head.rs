//! The head of a bundle: `mirror.json` and its signature.

use image_name::Digest;
use registry_client::sha256_digest;

use super::claims::check_claims;
use super::error::ReadError;
use crate::contents::Contents;
use crate::signing::{Signature, VerifyingKey};

/// The contents of a bundle, as far as they are verified.
#[derive(Debug)]
pub struct Head {
    /// The contents.
    pub contents: Contents,
    /// The digest of `mirror.json`, which identifies the bundle.
    pub identity: Digest,
    /// The state of the signature.
    pub signature: SignatureState,
}

/// The state of a bundle's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// The bundle has none.
    Unsigned,
    /// The bundle has one, and no key was given to verify it.
    Unverified,
    /// The signature is that of the given key.
    Verified,
}

impl SignatureState {
    /// Returns the word for reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Unverified => "unverified",
            Self::Verified => "verified",
        }
    }
}

impl Head {
    /// Verifies the bytes of `mirror.json`, if there is a key, and then parses them.
    ///
    /// # Errors
    ///
    /// [`ReadError::Unsigned`], [`ReadError::Signature`], [`ReadError::Contents`], [`ReadError::Claim`].
    pub(super) fn verify(
        document: &[u8],
        signature: Option<&Signature>,
        key: Option<&VerifyingKey>,
    ) -> Result<Self, ReadError> {
        let state = match (key, signature) {
            (Some(key), Some(signature)) => {
                key.verify(document, signature)?;
                SignatureState::Verified
            }
            (Some(_), None) => return Err(ReadError::Unsigned),
            (None, Some(_)) => SignatureState::Unverified,
            (None, None) => SignatureState::Unsigned,
        };
        let contents = Contents::parse(document)?;
        check_claims(&contents)?;
        Ok(Self {
            contents,
            identity: sha256_digest(document),
            signature: state,
        })
    }

    /// Returns the short form of the identity: 12 hexadecimal digits.
    #[must_use]
    pub fn short_identity(&self) -> &str {
        &self.identity.hex()[..12]
    }
}
