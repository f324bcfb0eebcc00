//! The images that sources need, each with all places that name it.

use std::collections::BTreeMap;
use std::fmt;

use crate::extracted_image::{Evidence, ExtractedImage};
use crate::image_reference::{TagOrDigest, normalized_repository};
use crate::rendered_tags::RenderedTags;

/// An image of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedImage {
    /// The file, or another document such as the rendered manifests of a chart.
    pub file: String,
    /// The file has lines that a user can look up.
    pub has_lines: bool,
    /// The image.
    pub image: ExtractedImage,
}

/// An image, with all places that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededImage {
    /// The repository as first written, without Docker Hub's host.
    pub repository: String,
    /// The tag or digest.
    pub version: TagOrDigest,
    /// The digest beside the tag, if a place has one.
    pub pin: Option<String>,
    /// The places, in the order of the sources.
    pub places: Vec<Place>,
    /// The reason why the image is left out, if it is.
    pub left_out: Option<LeftOut>,
}

/// A place that names an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or another document such as the rendered manifests of a chart.
    pub file: String,
    /// The line in the file, from 1, if it has lines that a user can look up.
    pub line: Option<usize>,
    /// The location in the file, as in [`ExtractedImage::location`].
    pub location: String,
    /// The strength of the evidence.
    pub evidence: Evidence,
}

/// The reason why an image is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// Only Helm hooks of kind `test` use it.
    Test,
    /// Only chart values name it, and the rendered manifests use other tags of the repository.
    Values(String),
    /// Only values or annotations of a chart name it, and they do not count.
    NotRendered,
}

/// The rules for the images that a source needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct NeedRules {
    /// Images that only Helm hooks of kind `test` use count.
    pub include_tests: bool,
    /// Images that only chart values and annotations name do not count.
    pub only_rendered: bool,
}

/// The normalized repository, and the tag or digest.
type Key = (String, TagOrDigest);

/// The images of sources, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeededImages {
    by_name: BTreeMap<Key, NeededImage>,
}

impl NeededImages {
    /// Merges the images of one source. Unlike [`propose`](crate::propose()), `latest` and images with a
    /// digest and no tag count.
    #[must_use]
    pub fn new(found: Vec<PlacedImage>, rules: NeedRules) -> Self {
        let rendered = RenderedTags::new(found.iter().map(|placed| &placed.image));
        let mut needed = Self::default();
        let mut tests = BTreeMap::new();
        for placed in found {
            let is_test = placed.image.is_test;
            let (key, image) = keyed(placed);
            let key = needed.add(key, image);
            *tests.entry(key).or_insert(true) &= is_test;
        }
        for (key, image) in &mut needed.by_name {
            let best = image.places.iter().map(|place| place.evidence).min();
            let is_rendered = best.is_some_and(Evidence::is_rendered);
            let outweighed = match (&image.version, best) {
                (TagOrDigest::Tag(_), Some(best)) => rendered.outweigh(&image.repository, best),
                _ => None,
            };
            let is_test = tests.get(key) == Some(&true);
            image.left_out = match outweighed {
                _ if is_test && !rules.include_tests => Some(LeftOut::Test),
                _ if rules.only_rendered && !is_rendered => Some(LeftOut::NotRendered),
                Some(reason) => Some(LeftOut::Values(reason)),
                None => None,
            };
        }
        needed
    }

    /// Adds the images of another source. An image that one of them needs is not left out.
    pub fn merge(&mut self, other: Self) {
        for (key, image) in other.by_name {
            self.add(key, image);
        }
    }

    /// Adds an image and returns its key: of a tag that places pin to several digests, the first digest stays
    /// beside the tag, and each further one is an image by digest.
    fn add(&mut self, key: Key, mut image: NeededImage) -> Key {
        let Some(known) = self.by_name.get_mut(&key) else {
            self.by_name.insert(key.clone(), image);
            return key;
        };
        match (&known.pin, image.pin.take()) {
            (None, pin) => known.pin = pin,
            (Some(one), Some(other)) if *one != other => {
                image.version = TagOrDigest::Digest(other);
                return self.add((key.0, image.version.clone()), image);
            }
            _ => {}
        }
        if image.left_out.is_none() {
            known.left_out = None;
        }
        for place in image.places {
            if !known.places.contains(&place) {
                known.places.push(place);
            }
        }
        key
    }

    /// Returns the images that are needed.
    pub fn needed(&self) -> impl Iterator<Item = &NeededImage> {
        self.by_name
            .values()
            .filter(|image| image.left_out.is_none())
    }

    /// Returns the images that are left out, with the reason.
    pub fn left_out(&self) -> impl Iterator<Item = (&NeededImage, &LeftOut)> {
        self.by_name
            .values()
            .filter_map(|image| Some((image, image.left_out.as_ref()?)))
    }
}

fn keyed(placed: PlacedImage) -> (Key, NeededImage) {
    let PlacedImage {
        file,
        has_lines,
        image,
    } = placed;
    let key = (
        normalized_repository(&image.repository),
        image.version.clone(),
    );
    let needed = NeededImage {
        repository: image.repository,
        version: image.version,
        pin: image.pin,
        places: vec![Place {
            file,
            line: has_lines.then_some(image.line),
            location: image.location,
            evidence: image.evidence,
        }],
        left_out: None,
    };
    (key, needed)
}

/// The name, `REPOSITORY:TAG`, `REPOSITORY@DIGEST` or `REPOSITORY:TAG@DIGEST`.
impl fmt::Display for NeededImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            TagOrDigest::Tag(tag) => write!(f, "{}:{tag}", self.repository)?,
            TagOrDigest::Digest(digest) => write!(f, "{}@{digest}", self.repository)?,
        }
        match &self.pin {
            Some(pin) => write!(f, "@{pin}"),
            None => Ok(()),
        }
    }
}

/// `FILE:LINE: LOCATION`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.location)
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.write_str("only a Helm test hook uses it"),
            Self::Values(reason) => f.write_str(reason),
            Self::NotRendered => f.write_str("only chart values or annotations name it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_reference::ImageReference;

    fn placed(text: &str, evidence: Evidence, is_test: bool) -> PlacedImage {
        let reference = ImageReference::parse(text).unwrap();
        PlacedImage {
            file: "a.yaml".to_owned(),
            has_lines: true,
            image: ExtractedImage {
                is_test,
                ..ExtractedImage::new(reference, evidence, format!("at {text}"))
            },
        }
    }

    fn names(images: &NeededImages) -> Vec<String> {
        images.needed().map(ToString::to_string).collect()
    }

    #[test]
    fn spellings_are_merged_and_each_digest_is_kept() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let (one, other) = (digest("1"), digest("2"));
        let found = vec![
            placed("busybox:latest", Evidence::Strong, false),
            placed(
                &format!("library/busybox:latest@{one}"),
                Evidence::Strong,
                false,
            ),
            placed(&format!("q.io/a:1@{one}"), Evidence::Strong, false),
            placed(&format!("q.io/a:1@{other}"), Evidence::Strong, false),
            placed(&format!("q.io/b@{one}"), Evidence::Strong, false),
        ];
        let images = NeededImages::new(found, NeedRules::default());
        let expected = [
            format!("busybox:latest@{one}"),
            format!("q.io/a:1@{one}"),
            format!("q.io/a@{other}"),
            format!("q.io/b@{one}"),
        ];
        assert_eq!(names(&images), expected);
        let first = images.needed().next().unwrap();
        assert_eq!(first.places.len(), 2);
        assert_eq!(first.places[0].to_string(), "a.yaml:1: at busybox:latest");
    }

    #[test]
    fn image_that_one_source_needs_is_not_left_out() {
        let test = NeededImages::new(
            vec![
                placed("q.io/a:1", Evidence::Strong, true),
                placed("q.io/b:1", Evidence::Weak, false),
                placed("q.io/b:2", Evidence::Strong, false),
            ],
            NeedRules::default(),
        );
        assert_eq!(names(&test), ["q.io/b:2"]);
        let reasons: Vec<_> = test
            .left_out()
            .map(|(_, reason)| reason.to_string())
            .collect();
        assert_eq!(
            reasons,
            [
                "only a Helm test hook uses it",
                "found only in the chart values; the rendered manifests use 2"
            ]
        );
        let mut all = test;
        let other = vec![placed("q.io/a:1", Evidence::Weak, false)];
        all.merge(NeededImages::new(other.clone(), NeedRules::default()));
        assert_eq!(names(&all), ["q.io/a:1", "q.io/b:2"]);
        let only_rendered = NeedRules {
            only_rendered: true,
            ..NeedRules::default()
        };
        assert_eq!(names(&NeededImages::new(other, only_rendered)), [""; 0]);
    }
}
