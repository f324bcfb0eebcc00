//! An image with the names that are printed for it.

use std::borrow::Cow;
use std::fmt;

use bundle::image_files::{DestinationFile, ImageFile, SourceFile};
use image_name::{full_repository, tag_or_digest};
use oci_spec::distribution::Reference;

/// An image with the reference for the client, and the names that are printed for it.
///
/// The reference to an image in a file has the file in the place of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedImage {
    /// The reference for the client.
    pub(crate) reference: Reference,
    /// The names of an image in a file.
    file: Option<FileNames>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FileNames {
    /// The argument.
    text: String,
    /// The argument without the name.
    place: String,
    /// The name, the digest of a source without a name, or nothing.
    name: String,
}

impl NamedImage {
    /// Creates the names of an image at a registry.
    pub(crate) fn at_registry(reference: Reference) -> Self {
        Self {
            reference,
            file: None,
        }
    }

    /// Creates the names of an image that is read from a file.
    pub(crate) fn from_file(argument: &ImageFile, file: &SourceFile) -> Self {
        let names = FileNames {
            text: argument.to_string(),
            place: argument.place(),
            name: file.name.clone().unwrap_or_else(|| file.digest.to_string()),
        };
        Self {
            reference: file.reference.clone(),
            file: Some(names),
        }
    }

    /// Creates the names of an image that is written to a file.
    pub(crate) fn into_file(argument: &ImageFile, file: &DestinationFile) -> Self {
        let names = FileNames {
            text: argument.to_string(),
            place: argument.place(),
            name: file.name.clone().unwrap_or_default(),
        };
        Self {
            reference: file.reference.clone(),
            file: Some(names),
        }
    }

    /// Returns whether the image is in a file.
    pub(crate) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Returns the repository with its host, or the file.
    pub(crate) fn repository(&self) -> String {
        match &self.file {
            Some(names) => names.place.clone(),
            None => full_repository(&self.reference),
        }
    }

    /// Returns the tag or digest, or the name in the file.
    pub(crate) fn tag(&self) -> &str {
        match &self.file {
            Some(names) => &names.name,
            None => tag_or_digest(&self.reference),
        }
    }

    /// Returns a message with the argument in the place of the reference.
    pub(crate) fn named_in<'a>(&self, message: &'a str) -> Cow<'a, str> {
        match &self.file {
            Some(names) => {
                let reference = self.reference.to_string();
                message.replace(&reference, &names.text).into()
            }
            None => message.into(),
        }
    }
}

impl fmt::Display for NamedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(names) => f.write_str(&names.text),
            None => self.reference.fmt(f),
        }
    }
}

/// Returns the character before a tag, or before a digest. Names in files may have a colon too.
pub(crate) fn tag_separator(tag: &str) -> char {
    let algorithms = ["sha256:", "sha384:", "sha512:"];
    if algorithms.iter().any(|start| tag.starts_with(start)) {
        '@'
    } else {
        ':'
    }
}
