//! The reasons why a stream cannot be read.

use std::io;

/// Maximum size of one object, in bytes. The API server accepts 1.5 MiB in its own encoding.
pub const MAX_OBJECT_BYTES: usize = 16 * 1024 * 1024;

/// The reason why a stream cannot be read. Lines count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream ends early, or a read failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The stream has a byte order mark of UTF-16, which Windows PowerShell writes.
    #[error("is UTF-16 text")]
    Utf16,
    /// The stream has no text.
    #[error("is empty")]
    Empty,
    /// The stream ends within a document.
    #[error("line {line}: ends within the object that begins here")]
    CutOff {
        /// The line of the document or the item.
        line: usize,
    },
    /// A document is neither JSON nor YAML.
    #[error("line {line}: is not valid {format}: {reason}")]
    Syntax {
        /// The line of the document or the item.
        line: usize,
        /// `JSON` or `YAML`.
        format: &'static str,
        /// The error of the parser.
        reason: String,
    },
    /// A document is not a Kubernetes object, such as the table that `kubectl get` prints.
    #[error("line {line}: is not a Kubernetes object: {reason}")]
    NotAnObject {
        /// The line of the document or the item.
        line: usize,
        /// The missing part.
        reason: String,
    },
    /// An object is larger than [`MAX_OBJECT_BYTES`].
    #[error("line {line}: is larger than the limit of {} MiB for an object", MAX_OBJECT_BYTES >> 20)]
    TooLarge {
        /// The line of the object.
        line: usize,
    },
}
