//! Strings that may be images.

use std::collections::{BTreeSet, HashSet};

use crate::extracted_image::{ExtractedImage, Suspect};
use crate::image_reference::{ImageReference, ReferenceError, TagOrDigest};

/// Maximum number of suspects of one text.
const MAX_SUSPECTS: usize = 1_000;

/// Maximum length of a suspect in bytes: longer strings are no names of images.
const MAX_LENGTH: usize = 300;

/// A string, its location and its line.
type Found<'a> = (&'a str, &'a str, usize);

/// The strings of a text that may be images.
#[derive(Debug, Default)]
pub(crate) struct Suspects(BTreeSet<Suspect>);

impl Suspects {
    /// Adds a string if it has the form of an image. `is_image_key` tells whether its key names images.
    pub(crate) fn add(&mut self, found: Found<'_>, is_image_key: bool) {
        let (text, ..) = found;
        if text.len() > MAX_LENGTH {
            return;
        }
        match ImageReference::parse(text) {
            Ok(reference) if may_be_image(&reference, text, is_image_key) => {
                let reason = match is_image_key {
                    true => "its tag has no digit, or it has no path",
                    false => "its key does not name images",
                };
                self.insert(found, reason);
            }
            Err(ReferenceError::Untagged) if is_image_key => self.add_untagged(found),
            _ => {}
        }
    }

    /// Adds a reference without a tag.
    pub(crate) fn add_untagged(&mut self, found: Found<'_>) {
        self.insert(found, "it has no tag");
    }

    fn insert(&mut self, (text, location, line): Found<'_>, reason: &'static str) {
        if self.0.len() < MAX_SUSPECTS {
            self.0.insert(Suspect {
                text: text.to_owned(),
                location: location.to_owned(),
                line,
                reason,
            });
        }
    }

    /// Returns the suspects that are not the repository or the whole name of an image, in text order.
    pub(crate) fn without(self, images: &[ExtractedImage]) -> Vec<Suspect> {
        let mut known = HashSet::new();
        for image in images {
            let (TagOrDigest::Tag(version) | TagOrDigest::Digest(version)) = &image.version;
            known.insert(image.repository.clone());
            known.insert(format!("{}:{version}", image.repository));
        }
        let is_known = |suspect: &Suspect| {
            let name = image_name::without_docker_hub(&suspect.text);
            known.contains(name)
        };
        let mut suspects: Vec<_> = self
            .0
            .into_iter()
            .filter(|suspect| !is_known(suspect))
            .collect();
        suspects.sort_by(|one, other| (one.line, &one.text).cmp(&(other.line, &other.text)));
        suspects
    }
}

fn may_be_image(reference: &ImageReference, text: &str, is_image_key: bool) -> bool {
    let is_port = match &reference.version {
        TagOrDigest::Tag(tag) => tag.bytes().all(|byte| byte.is_ascii_digit()),
        TagOrDigest::Digest(_) => false,
    };
    is_image_key || reference.is_distinctive(text) && !is_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspects_have_the_form_of_images() {
        let mut suspects = Suspects::default();
        for (text, is_image_key) in [
            ("a/b:v1", false),
            ("a/b", true),
            ("a/b", false),
            ("a/b:8080", false),
            ("b:v1", false),
            ("b:edge", true),
            ("http://a/b:1", true),
            ("text", false),
        ] {
            suspects.add((text, "x", 1), is_image_key);
        }
        let found: Vec<_> = suspects
            .without(&[])
            .into_iter()
            .map(|found| found.text)
            .collect();
        assert_eq!(found, ["a/b", "a/b:v1", "b:edge"]);
    }
}
