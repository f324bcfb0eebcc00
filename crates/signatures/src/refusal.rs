//! The reasons why an image lacks the signatures that are required.

use std::fmt;

use image_name::Digest;

/// The reason why an image lacks the signatures that are required.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Refusal {
    /// The cause. Of several examined signatures it is that of the one that passed the most checks.
    pub cause: Cause,
    /// All signatures and attestations that were examined and do not count.
    pub examined: Vec<ExaminedSignature>,
}

/// A signature that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExaminedSignature {
    /// The place, such as `layer 1 of sha256-HEX.sig` or `referrer 2 of sha256:HEX`.
    pub place: String,
    /// The cause.
    pub cause: Cause,
}

impl fmt::Display for ExaminedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

/// A cause for which a signature or an image is refused. Foreign text in it is cut and escaped.
///
/// The order is that of the checks: a later cause says that all checks before it passed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing is attached to the image.
    #[error("no signature was found")]
    Unsigned,
    /// Something could not be listed, and what was found does not suffice.
    #[error("the list of signatures may be incomplete: {0}")]
    EvidenceIncomplete(String),
    /// More is attached than is examined.
    #[error("{found} signatures and attestations are attached, more than {limit}")]
    TooMany {
        /// The number that is attached.
        found: usize,
        /// The maximum.
        limit: usize,
    },
    /// A document is larger than is read.
    #[error("{size} bytes long, more than {limit}")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The maximum.
        limit: usize,
    },
    /// A document is not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// Programs in different languages would read an object differently.
    #[error("the key {0} is there twice, with or without regard to case")]
    DuplicateKey(String),
    /// A document lacks a field or has an unusable one.
    #[error("malformed signature: {0}")]
    Malformed(String),
    /// A document has several contents of which programs could take either.
    #[error("ambiguous signature: {0}")]
    Ambiguous(String),
    /// The type of the payload is not the one of a signature or attestation.
    #[error("unexpected payload type {0}")]
    PayloadType(String),
    /// A bundle or log entry of a kind that cannot be verified.
    #[error("unsupported signature: {0}")]
    Unsupported(String),
    /// An attestation where a signature is needed.
    #[error("an attestation {0}, not a signature")]
    NotASignature(String),
    /// The payload names a digest that is neither the image's nor a child's.
    #[error("signs {signed}, not {expected}")]
    OtherImage {
        /// The digests in the payload.
        signed: String,
        /// The digest that it is attached to.
        expected: Digest,
    },
    /// The payload names another manifest of this image than the one it is attached to.
    #[error("signs {signed}, but is attached to {attached}")]
    OtherManifest {
        /// The digest in the payload.
        signed: Digest,
        /// The digest that it is attached to.
        attached: Digest,
    },
    /// The payload names another repository.
    #[error("made for repository {signed}, not for {expected}")]
    OtherRepository {
        /// The name in the payload.
        signed: String,
        /// The name that is required.
        expected: String,
    },
    /// The payload names another tag.
    #[error("made for tag {signed}, not for {expected}")]
    OtherTag {
        /// The tag in the payload.
        signed: String,
        /// The tag that is required.
        expected: String,
    },
    /// A message signature whose message, the manifest, was not given.
    #[error("the bytes of the manifest {0} are needed to verify its signature")]
    ManifestNeeded(Digest),
    /// A certificate where a key is required.
    #[error("signed with a certificate, not with a key")]
    KeyRequired,
    /// A key where a certificate is required.
    #[error("signed with a key, not with a certificate")]
    CertificateRequired,
    /// No key of the requirement made the signature.
    #[error("not signed by {0}")]
    OtherKey(String),
    /// The certificate cannot be read, or programs could read it differently.
    #[error("malformed certificate: {0}")]
    Certificate(String),
    /// The certificate has no identity or several.
    #[error("the certificate has {0} identities, not one")]
    IdentityCount(usize),
    /// The identity could be taken for another one.
    #[error("the certificate's identity {0} has characters other than visible ASCII")]
    IdentityText(String),
    /// There is no log entry.
    #[error("not in a transparency log")]
    NotLogged,
    /// The log is not in the trusted root.
    #[error("logged in {0}, which is not in the trusted root")]
    UnknownLog(String),
    /// The log entry cannot be read.
    #[error("malformed log entry: {0}")]
    LogEntry(String),
    /// No trusted time says when the signature was made.
    #[error("no log or timestamp authority confirms the time of the signature")]
    NoTime,
    /// A timestamp is wrong.
    #[error("wrong timestamp: {0}")]
    Timestamp(String),
    /// The log did not promise to include this entry.
    #[error("wrong inclusion promise: {0}")]
    InclusionPromise(String),
    /// The certificate does not lead to a trusted authority.
    #[error("the certificate does not lead to a trusted authority: {0}")]
    Chain(String),
    /// The certificate expired before the signature was logged.
    #[error("the certificate expired at {not_after}, before the signature was logged at {logged}")]
    Expired {
        /// The end of the certificate's validity.
        not_after: String,
        /// The time of the log or timestamp.
        logged: String,
    },
    /// The certificate is younger than its signature.
    #[error(
        "the certificate is valid from {not_before}, after the signature was logged at {logged}"
    )]
    NotYetValid {
        /// The beginning of the certificate's validity.
        not_before: String,
        /// The time of the log or timestamp.
        logged: String,
    },
    /// The certificate was not logged in a trusted certificate transparency log.
    #[error("no trusted certificate log has the certificate: {0}")]
    Sct(String),
    /// The entry is not in the log.
    #[error("wrong inclusion proof: {0}")]
    InclusionProof(String),
    /// The tree of the inclusion proof is not signed by the log.
    #[error("wrong checkpoint: {0}")]
    Checkpoint(String),
    /// The time of the entry is in the future or outside the certificate's validity.
    #[error("wrong log time: {0}")]
    LogTime(String),
    /// The signature does not fit its message.
    #[error("the signature does not fit the signed content")]
    SignatureInvalid,
    /// The log entry is about another signature.
    #[error("the log entry is about another signature: {0}")]
    OtherEntry(String),
    /// The certificate names another issuer.
    #[error("issued for {found} by {issuer}, not by {expected}")]
    OtherIssuer {
        /// The identity in the certificate.
        found: String,
        /// The issuer in the certificate.
        issuer: String,
        /// The issuer that is required.
        expected: String,
    },
    /// The certificate names another identity.
    #[error("signed by {found}, not by {expected}")]
    OtherIdentity {
        /// The identity in the certificate.
        found: String,
        /// The identity or pattern that is required.
        expected: String,
    },
    /// A minimum age is required, and nothing says when the signature was made.
    #[error("the signature has no log time, which the minimum age needs")]
    NoLogTime,
    /// The signature is too young.
    #[error("signed {age} days ago, and {minimum} days are required")]
    TooYoung {
        /// The complete days since the log's time.
        age: u64,
        /// The complete days that are required.
        minimum: u64,
    },
    /// Too few keys of the requirement have signed.
    #[error("signed by {signed} of {required} required keys")]
    Threshold {
        /// The number of different keys that signed.
        signed: usize,
        /// The number that must sign.
        required: usize,
    },
    /// A child is not signed where the image itself is not.
    #[error("neither the index nor all its manifests are signed: {child}: {cause}")]
    Child {
        /// The first child that is not signed.
        child: Digest,
        /// The cause for it.
        cause: Box<Cause>,
    },
    /// An attestation is missing or does not count.
    #[error("no attestation {predicate_type} counts: {cause}")]
    Attestation {
        /// The predicate type that is required.
        predicate_type: String,
        /// The cause.
        cause: Box<Cause>,
    },
}

/// The maximum length of foreign text in a cause, in characters.
const MAX_TEXT: usize = 200;

impl Cause {
    /// Returns foreign text as a cause holds it: cut, in quotes, with escapes for what is not printable.
    pub(crate) fn text(foreign: &str) -> String {
        match foreign.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{:?}…", &foreign[..end]),
            None => format!("{foreign:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_cut_and_escaped() {
        let hostile = "\u{1b}[31m\n::error::\u{202e}\u{0}";
        assert_eq!(Cause::text(hostile), r#""\u{1b}[31m\n::error::\u{202e}\0""#);
        let cut = Cause::text(&"\u{e9}".repeat(1000));
        assert_eq!(cut.chars().count(), MAX_TEXT + 3);
    }
}
