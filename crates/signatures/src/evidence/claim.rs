//! The content of one signature or attestation.

use image_name::Digest;
use sigstore_verify::types::Bundle;

use super::format::SignatureFormat;

/// The content of one signature or attestation. It is parsed, and nothing of it is verified.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The place, for messages.
    pub(crate) place: String,
    /// The digest that it is attached to.
    pub(crate) attached_to: Digest,
    /// The form.
    pub(crate) format: SignatureFormat,
    /// The purpose.
    pub(crate) purpose: Purpose,
    /// The digests that it names.
    pub(crate) digests: Vec<Digest>,
    /// The name of the image, in classic signatures.
    pub(crate) reference: Option<String>,
    /// The signed bytes.
    pub(crate) message: Message,
    /// The signature.
    pub(crate) signature: Vec<u8>,
    /// Signature, certificate and log entries. A classic signature is converted to a bundle v0.1.
    pub(crate) bundle: Bundle,
}

/// The purpose of a signed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It signs an image.
    Signature,
    /// It attests a predicate of this type.
    Attestation(String),
}

/// The bytes that are signed.
#[derive(Debug)]
pub(crate) enum Message {
    /// A payload that came with the signature.
    Payload(Vec<u8>),
    /// The encoding (PAE) of a DSSE envelope.
    Envelope(Vec<u8>),
    /// The manifest that the signature is attached to.
    Manifest,
}
