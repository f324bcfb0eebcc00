//! Errors of keys and signatures.

/// The reason why a key is not usable, or a signature is refused.
///
/// No message quotes a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The text is no key that is supported.
    #[error("{0}")]
    Key(String),
    /// The key is encrypted, and no password was given.
    #[error("the key is encrypted, and no password was given")]
    NoPassword,
    /// The signature is of another kind than the key.
    #[error("the signature is in {signature}, and the key is {key}")]
    Kind {
        /// The file of the signature.
        signature: &'static str,
        /// The kind of the key.
        key: &'static str,
    },
    /// The signature is not in its format.
    #[error("it is not in the format of {format}: {detail}")]
    Form {
        /// The format.
        format: &'static str,
        /// The cause.
        detail: String,
    },
    /// The signature is that of other bytes or of another key.
    #[error("it is not a signature of these contents by this key{detail}")]
    Mismatch {
        /// The identifiers of the keys, if they differ.
        detail: String,
    },
    /// Signing failed.
    #[error("cannot sign: {0}")]
    Sign(String),
}
