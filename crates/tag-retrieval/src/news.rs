//! What counts as new: what was found and the list lacks.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;

use crate::candidate::Origin;
use crate::config::EntryImage;
use crate::extraction::normal;
use crate::retrieved::{Found, FoundImage};

/// The longest tag that a registry takes.
///
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>.
const TAG_MAX: usize = 128;

/// Docker Hub's hosts, which names of images may leave out.
const HUB: [&str; 2] = ["docker.io/", "index.docker.io/"];

/// What an entry found that the list lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// For people and scripts.
    pub summary: Summary,
    /// What the list lacks, each once, in the order of image, tag and destination. The product that
    /// the summary spans may hold more.
    pub pairs: Vec<Pair>,
    /// What was found and is not new, in the same order.
    pub passed: Vec<Passed>,
}

/// The result of an entry, sorted by bytes, each string once. Serializes to its JSON:
/// `{"images": […], "tags": […]}` or `{"full_images": […]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Summary {
    /// Of a source that announces versions.
    Versions {
        /// The images that lack some of the tags.
        images: Vec<String>,
        /// The tags that some of the images lack.
        tags: Vec<String>,
    },
    /// Of a source that announces images.
    Images {
        /// `IMAGE:TAG`
        full_images: Vec<String>,
    },
}

/// An image and a tag of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The image as the configuration or the chart names it.
    pub image: String,
    /// The tag.
    pub tag: String,
    /// The destination that gets it, where the configuration says which.
    pub destination: Option<String>,
    /// Where it was found.
    pub origin: Origin,
}

/// A pair that is not new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Which.
    pub pair: Pair,
    /// Why not.
    pub reason: PassedReason,
}

/// Why a pair is not new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassedReason {
    /// The list has it. What the caller said of where, such as `images-list:12`.
    Known(String),
    /// The image is the own organisation's.
    OwnOrganisation,
    /// No registry would take it for a tag.
    NotATag,
}

impl News {
    /// Compares what an entry found with a list.
    ///
    /// `images` are those of the entry; a source that announces images needs none. `known` says
    /// where the list, commented rows included, has a pair; it decides whether a destination that
    /// the configuration names matters. Images that begin with `own_org` and a `/` are passed over,
    /// those of other hosts than Docker Hub never.
    pub fn of(
        found: &Found,
        images: &[EntryImage],
        own_org: &str,
        known: impl Fn(&Pair) -> Option<String>,
    ) -> Self {
        let mut pairs = Vec::new();
        let mut passed = Vec::new();
        for pair in each_once(found, images) {
            match reason(&pair, own_org, &known) {
                Some(reason) => passed.push(Passed { pair, reason }),
                None => pairs.push(pair),
            }
        }
        let summary = match found {
            Found::Versions(_) => Summary::Versions {
                images: sorted(pairs.iter().map(|pair| pair.image.clone())),
                tags: sorted(pairs.iter().map(|pair| pair.tag.clone())),
            },
            Found::Images(_) => Summary::Images {
                full_images: sorted(pairs.iter().map(Pair::full_image)),
            },
        };
        Self {
            summary,
            pairs,
            passed,
        }
    }
}

impl Pair {
    /// `IMAGE:TAG`
    #[must_use]
    pub fn full_image(&self) -> String {
        format!("{}:{}", self.image, self.tag)
    }
}

/// Every image with every tag, the first origin of each.
fn each_once(found: &Found, images: &[EntryImage]) -> impl Iterator<Item = Pair> {
    let mut origins: BTreeMap<(String, String, Option<String>), Origin> = BTreeMap::new();
    match found {
        Found::Versions(candidates) => {
            for image in images {
                for candidate in candidates {
                    let tag = candidate.tag.clone();
                    let key = (image.source.clone(), tag, image.destination.clone());
                    origins
                        .entry(key)
                        .or_insert_with(|| candidate.origin.clone());
                }
            }
        }
        Found::Images(images) => {
            // Charts spell one repository in several ways, and a list takes it once.
            let mut seen = HashSet::new();
            let is_first =
                |image: &&FoundImage| seen.insert((normal(&image.image), image.tag.clone()));
            for image in images.iter().filter(is_first) {
                let key = (image.image.clone(), image.tag.clone(), None);
                origins.entry(key).or_insert_with(|| image.origin.clone());
            }
        }
    }
    let pairs = origins.into_iter();
    pairs.map(|((image, tag, destination), origin)| Pair {
        image,
        tag,
        destination,
        origin,
    })
}

fn reason(
    pair: &Pair,
    own_org: &str,
    known: &impl Fn(&Pair) -> Option<String>,
) -> Option<PassedReason> {
    if is_own(&pair.image, own_org) {
        return Some(PassedReason::OwnOrganisation);
    }
    if !is_tag(&pair.tag) {
        return Some(PassedReason::NotATag);
    }
    known(pair).map(PassedReason::Known)
}

fn is_own(image: &str, own_org: &str) -> bool {
    let bare = HUB.into_iter().find_map(|hub| image.strip_prefix(hub));
    let path = bare.unwrap_or(image).strip_prefix(own_org);
    !own_org.is_empty() && path.is_some_and(|path| path.starts_with('/'))
}

fn is_tag(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let other = |byte: u8| first(byte) || matches!(byte, b'.' | b'-');
    text.len() <= TAG_MAX && text.bytes().next().is_some_and(first) && text.bytes().all(other)
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

impl fmt::Display for PassedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(place) => write!(f, "{place} has it"),
            Self::OwnOrganisation => f.write_str("it is the own organisation's"),
            Self::NotATag => {
                f.write_str("it can be no tag of an image; `versionExtract` can make one of it")
            }
        }
    }
}

#[cfg(test)]
#[path = "news_tests.rs"]
mod tests;
