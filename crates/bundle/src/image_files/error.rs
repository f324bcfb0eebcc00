//! The errors of image files.

use std::io;

/// An image file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFileError {
    /// The operating system refuses.
    #[error("cannot {action} {path}: {error}")]
    Io {
        /// The refused operation: `read`, `write`.
        action: &'static str,
        /// The path.
        path: String,
        /// The cause.
        error: io::Error,
    },
    /// The content is not that of an image file.
    #[error("{place}: {cause}")]
    Invalid {
        /// The file.
        place: String,
        /// The cause.
        cause: String,
    },
    /// The file has no image of this name.
    #[error("{place} has no image {wanted}: {}", listed(names))]
    NoImage {
        /// The file.
        place: String,
        /// The name or position.
        wanted: String,
        /// The names in the file.
        names: Vec<String>,
    },
    /// The file has several images, and none was chosen.
    #[error("{place} has several images: {}", listed(names))]
    Several {
        /// The file.
        place: String,
        /// Their names.
        names: Vec<String>,
    },
}

/// The maximum number of names in a message.
const MAX_LISTED: usize = 10;

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "it has no image with a name".to_owned();
    }
    let mut text = names[..names.len().min(MAX_LISTED)].join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(MAX_LISTED) {
        text += &format!(" and {more} more");
    }
    text
}

impl ImageFileError {
    pub(super) fn io(action: &'static str, path: impl ToString, error: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_string(),
            error,
        }
    }

    pub(super) fn invalid(place: impl ToString, cause: impl ToString) -> Self {
        Self::Invalid {
            place: place.to_string(),
            cause: cause.to_string(),
        }
    }
}

/// Returns a text of a file for a message: without control characters, and cut.
pub(super) fn printable(text: &str) -> String {
    let text: String = text.chars().take(200).collect();
    text.escape_debug().to_string()
}
