//! Everything found in one text.

use crate::extracted_image::{ExtractedImage, Suspect};
use crate::image_path::ImagePath;
use crate::tree_extractor::TreeExtractor;
use crate::yaml::Node;

/// Everything found in one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtractedText {
    /// The images, in text order and with repetitions.
    pub images: Vec<ExtractedImage>,
    /// The strings that may be images.
    pub suspects: Vec<Suspect>,
    /// The parts that could not be read, such as `line 3: the document is not YAML`.
    pub problems: Vec<String>,
    /// The parts that were left out on purpose, such as the images that a compose file builds.
    pub notes: Vec<String>,
    /// Other files that the text includes, relative to it.
    pub includes: Vec<Include>,
}

/// Another file that a text includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The path or URL as written.
    pub path: String,
    /// The line in the text, from 1.
    pub line: usize,
}

/// Further paths to images, and the number of values found at each.
#[derive(Debug, Clone, Default)]
pub struct ImagePaths(Vec<(ImagePath, usize)>);

impl ImagePaths {
    /// Creates paths without matches.
    #[must_use]
    pub fn new(paths: &[ImagePath]) -> Self {
        Self(paths.iter().map(|path| (path.clone(), 0)).collect())
    }

    /// Extracts the images at all paths in a document.
    pub(crate) fn extract(&mut self, extractor: &mut TreeExtractor, name: &str, root: &Node) {
        for (path, count) in &mut self.0 {
            *count += extractor.extract_path(name, root, path);
        }
    }

    /// Returns the paths at which no document has a value.
    pub fn unmatched(&self) -> impl Iterator<Item = &ImagePath> {
        let unmatched = self.0.iter().filter(|(_, count)| *count == 0);
        unmatched.map(|(path, _)| path)
    }
}
