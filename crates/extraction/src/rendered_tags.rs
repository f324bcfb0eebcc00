//! The tags in rendered manifests.

use std::collections::{BTreeSet, HashMap};

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::image_reference::{TagOrDigest, normalized_repository};

/// The tags in rendered manifests, by repository. They outweigh the tags in the chart values.
pub(crate) struct RenderedTags {
    by_repository: HashMap<String, BTreeSet<String>>,
    /// By every suffix of the path that has at least two components. Values often name a repository
    /// without the registry, which the chart adds from another key.
    by_path_suffix: HashMap<String, BTreeSet<String>>,
}

impl RenderedTags {
    pub(crate) fn new<'a>(extracted: impl IntoIterator<Item = &'a ExtractedImage>) -> Self {
        let mut rendered = Self {
            by_repository: HashMap::new(),
            by_path_suffix: HashMap::new(),
        };
        for image in extracted {
            if let (TagOrDigest::Tag(tag), true) = (&image.version, image.evidence.is_rendered()) {
                rendered.add(&image.repository, tag);
            }
        }
        rendered
    }

    fn add(&mut self, repository: &str, tag: &str) {
        let tags = self
            .by_repository
            .entry(normalized_repository(repository))
            .or_default();
        tags.insert(tag.to_owned());
        let Some((_, mut path)) = repository.split_once('/').filter(|(host, _)| is_host(host))
        else {
            return;
        };
        loop {
            let tags = self.by_path_suffix.entry(path.to_owned()).or_default();
            tags.insert(tag.to_owned());
            match path.split_once('/') {
                Some((_, rest)) if rest.contains('/') => path = rest,
                _ => return,
            }
        }
    }

    /// Returns why an image from the values is dropped: the manifests have other tags for the repository.
    pub(crate) fn outweigh(&self, repository: &str, evidence: Evidence) -> Option<String> {
        if evidence != Evidence::Weak {
            return None;
        }
        let tags = self
            .by_repository
            .get(&normalized_repository(repository))
            .or_else(|| self.by_path_suffix.get(repository))?;
        let tags: Vec<_> = tags.iter().map(String::as_str).collect();
        let tags = tags.join(", ");
        Some(format!(
            "found only in the chart values; the rendered manifests use {tags}"
        ))
    }
}

fn is_host(part: &str) -> bool {
    part.contains(['.', ':']) || part == "localhost"
}
