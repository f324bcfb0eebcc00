//! Files with one image a line.

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::image_reference::{ImageReference, ReferenceError};

/// Maximum length of an invalid line in a message, in characters.
const MAX_LINE_LENGTH: usize = 100;

/// A parsed file with one image a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImagesFile {
    /// The images, in file order.
    pub images: Vec<ExtractedImage>,
    /// One message for each invalid line, such as ``line 3: `a/b` has no tag: …``.
    pub problems: Vec<String>,
}

impl ImagesFile {
    /// Parses a file. Blank lines and comments are skipped; a comment begins with a `#` at the start of
    /// a line or after whitespace.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::parse_lines(text, ImageReference::parse)
    }

    /// Parses a file as [`ImagesFile::parse`] does. An image without a tag is `latest`.
    #[must_use]
    pub fn parse_with_default(text: &str) -> Self {
        Self::parse_lines(text, ImageReference::parse_certain)
    }

    fn parse_lines(
        text: &str,
        parse: impl Fn(&str) -> Result<ImageReference, ReferenceError>,
    ) -> Self {
        let mut file = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, number) in text.lines().zip(1..) {
            let line = without_comment(line).trim();
            if line.is_empty() {
                continue;
            }
            match parse(name_of(line)) {
                Ok(reference) => {
                    let location = format!("line {number}");
                    let image = ExtractedImage::new(reference, Evidence::Strong, location);
                    file.images.push(image.at_line(number));
                }
                Err(error) => {
                    let line: String = line.chars().take(MAX_LINE_LENGTH).collect();
                    let problem = format!("line {number}: `{line}` {error}");
                    file.problems.push(problem);
                }
            }
        }
        file
    }
}

/// Returns the name in a line with further columns, such as the source or the platform of an image. Without a
/// tag or digest, the first word of a line is no name.
fn name_of(line: &str) -> &str {
    let first = line.split_whitespace().next().unwrap_or(line);
    match ImageReference::parse(first) {
        Ok(reference) if reference.is_distinctive(first) => first,
        _ => line,
    }
}

fn without_comment(line: &str) -> &str {
    let begins_comment = |&(at, _): &(usize, &str)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    };
    match line.match_indices('#').find(begins_comment) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_reference::TagOrDigest;

    #[test]
    fn invalid_lines_are_reported() {
        let file = ImagesFile::parse(
            "\u{feff}# the images\r\nlonghornio/longhorn-engine:v1.6.0\r\n\r\n  docker.io/a/b:1.10 # b\n\
             a/b\nhttp://a/b:1\n#a/c:1\nhost:5000/x:1#2\nhost:5000/x:1",
        );
        let found: Vec<_> = file
            .images
            .iter()
            .map(|found| {
                (
                    found.repository.as_str(),
                    found.version.clone(),
                    found.location.as_str(),
                )
            })
            .collect();
        let tag = |tag: &str| TagOrDigest::Tag(tag.to_owned());
        let expected = [
            ("longhornio/longhorn-engine", tag("v1.6.0"), "line 2"),
            ("a/b", tag("1.10"), "line 4"),
            ("host:5000/x", tag("1"), "line 9"),
        ];
        assert_eq!(found, expected);
        let problems = [
            "line 5: `a/b` has no tag: add one, as in `REPOSITORY:TAG`",
            "line 6: `http://a/b:1` is not an image: write it as `HOST/REPOSITORY:TAG`",
            "line 8: `host:5000/x:1#2` is not an image: write it as `HOST/REPOSITORY:TAG`",
        ];
        assert_eq!(file.problems, problems);
    }
}
