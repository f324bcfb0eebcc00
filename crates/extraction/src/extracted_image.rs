//! One image found in a text.

use crate::image_reference::{ImageReference, TagOrDigest};

/// One image found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractedImage {
    /// The repository as written, without Docker Hub's host.
    pub repository: String,
    /// The tag or digest.
    pub version: TagOrDigest,
    /// The digest beside a tag.
    pub pin: Option<String>,
    /// The strength of the evidence.
    pub evidence: Evidence,
    /// The location in the text, such as `Deployment/web: spec.template.spec.containers[0].image`,
    /// `values: controller.image` or `line 3`.
    pub location: String,
    /// The line in the text, from 1.
    pub line: usize,
    /// The image is in a Helm hook of kind `test`, which runs only for `helm test`.
    pub is_test: bool,
}

/// A string that may be an image, but has too little evidence for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suspect {
    /// The string.
    pub text: String,
    /// The location, as in [`ExtractedImage::location`].
    pub location: String,
    /// The line in the text, from 1.
    pub line: usize,
    /// The reason why it is not certain, such as `it has no tag`.
    pub reason: &'static str,
}

impl ExtractedImage {
    pub(crate) fn new(reference: ImageReference, evidence: Evidence, location: String) -> Self {
        Self {
            repository: reference.repository,
            version: reference.version,
            pin: reference.pin,
            evidence,
            location,
            line: 1,
            is_test: false,
        }
    }

    /// Creates an image that a program knows by name, such as a bundle. Without a tag, it is `latest`. `None`
    /// for text that is not an image.
    #[must_use]
    pub fn parse(text: &str, location: &str) -> Option<Self> {
        let reference = ImageReference::parse_certain(text).ok()?;
        Some(Self::new(reference, Evidence::Strong, location.to_owned()))
    }

    /// Sets the line.
    pub(crate) fn at_line(self, line: usize) -> Self {
        Self { line, ..self }
    }
}

/// The strength of the evidence for an image, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// An `image` key of a rendered manifest, or a line of an image file.
    Strong,
    /// Another location in a rendered manifest: a key that ends in `image`, an environment variable,
    /// a command argument, YAML in a string.
    Medium,
    /// A chart annotation.
    Announced,
    /// The chart values.
    Weak,
}

impl Evidence {
    /// Returns true if the image is in a rendered manifest, not only in the chart's metadata.
    pub(crate) fn is_rendered(self) -> bool {
        matches!(self, Self::Strong | Self::Medium)
    }
}

/// Maximum length of a name in a location, in characters. Each image copies the names above it.
const MAX_NAME_LENGTH: usize = 100;

/// Formats a name from the text for a location. A name with characters other than letters, digits,
/// `_`, `-` and those in `plain` is quoted; a long one is cut.
pub(crate) fn path_segment(name: &str, plain: &[char]) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || plain.contains(&c);
    match name.char_indices().nth(MAX_NAME_LENGTH) {
        Some((end, _)) => format!("{:?}…", &name[..end]),
        None if name.chars().all(is_plain) => name.to_owned(),
        None => format!("{name:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segment_is_quoted_and_cut() {
        let long = "é".repeat(MAX_NAME_LENGTH + 1);
        let cut = format!("\"{}\"…", "é".repeat(MAX_NAME_LENGTH));
        let table = [
            ("web-1_A", "web-1_A"),
            ("system:a", "system:a"),
            ("a.b", "\"a.b\""),
            ("x\n::error::y\u{1b}", "\"x\\n::error::y\\u{1b}\""),
            (&long, &cut),
        ];
        for (name, expected) in table {
            assert_eq!(path_segment(name, &[':']), expected);
        }
    }
}
