//! The signature that satisfied a requirement.

use std::time::SystemTime;

use image_name::Digest;

use crate::evidence::SignatureFormat;

/// The signature that satisfied a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The identity in the certificate, or `key:sha256:HEX`; with a threshold the keys in the requirement's order,
    /// separated by `,`.
    pub signed_by: String,
    /// The OpenID Connect issuer, for a certificate.
    pub issuer: Option<String>,
    /// The time that a log or a timestamp authority confirmed; with a threshold the latest.
    pub logged_at: Option<SystemTime>,
    /// The form of the signature.
    pub format: SignatureFormat,
    /// The children that are signed in the place of the image, or nothing if the image itself is signed.
    pub children: Vec<Digest>,
}

impl Verification {
    /// Combines the signatures of two children.
    pub(super) fn with(mut self, other: Self) -> Self {
        if !self.signed_by.split(',').eq(other.signed_by.split(',')) {
            self.signed_by = format!("{},{}", self.signed_by, other.signed_by);
        }
        self.issuer = self.issuer.or(other.issuer);
        self.logged_at = self.logged_at.max(other.logged_at);
        self.format = self.format.max(other.format);
        self
    }
}
