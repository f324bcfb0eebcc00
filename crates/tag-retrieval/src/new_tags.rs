//! The tags found upstream that a list lacks.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use extraction::{Organization, normalized_repository};
use image_name::ManifestReference;
use serde::Serialize;

use crate::candidate::Origin;
use crate::entry::EntryImage;
use crate::retrieved::{Found, FoundImage};

/// The reason why a name without a valid tag is left out.
pub(crate) const INVALID_TAG: &str =
    "not a valid image tag; `versionExtract` and `tagTemplate` can derive one";

/// The tags of an entry, compared with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTags {
    /// The result of the entry for the JSON output.
    pub summary: Summary,
    /// The tags that the list lacks, each once, sorted by image, tag and destination. The summary
    /// spans a product of images and tags, which may contain more.
    pub new: Vec<FoundTag>,
    /// The tags that are not new, sorted the same way.
    pub not_new: Vec<NotNewTag>,
}

/// The result of an entry, each list sorted by bytes without duplicates. Serializes to
/// `{"images": […], "tags": […]}` or `{"full_images": […]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Summary {
    /// The result of a source that announces versions.
    Versions {
        /// The images that lack at least one of the tags.
        images: Vec<String>,
        /// The tags that at least one of the images lacks.
        tags: Vec<String>,
    },
    /// The result of a source that announces images.
    Images {
        /// The images as `IMAGE:TAG`.
        full_images: Vec<String>,
    },
}

/// An image and a tag found upstream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundTag {
    /// The image as the configuration or the chart names it.
    pub image: String,
    /// The tag.
    pub tag: String,
    /// The destination for the tag, if the configuration names one.
    pub destination: Option<String>,
    /// The evidence for the tag.
    pub origin: Origin,
}

/// A found tag that is not new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotNewTag {
    /// The tag.
    pub found: FoundTag,
    /// The reason.
    pub reason: NotNewReason,
}

/// The reason why a found tag is not new.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNewReason {
    /// The list has the tag, at a location such as `images-list:12`.
    InList(String),
    /// The image is in your organization.
    OwnOrganization,
    /// The text is not a valid tag.
    InvalidTag,
}

impl NewTags {
    /// Compares the result of an entry with a list.
    ///
    /// `images` are the images of the entry, empty for a source that announces images. `in_list`
    /// returns the location of a tag in the list, commented rows included. Images of `own_org` are
    /// never new.
    pub fn compare(
        found: &Found,
        images: &[EntryImage],
        own_org: Option<&Organization>,
        in_list: impl Fn(&FoundTag) -> Option<String>,
    ) -> Self {
        let mut new = Vec::new();
        let mut not_new = Vec::new();
        for found in distinct_tags(found, images) {
            match not_new_reason(&found, own_org, &in_list) {
                Some(reason) => not_new.push(NotNewTag { found, reason }),
                None => new.push(found),
            }
        }
        let summary = match found {
            Found::Versions(_) => Summary::Versions {
                images: sorted(new.iter().map(|found| found.image.clone())),
                tags: sorted(new.iter().map(|found| found.tag.clone())),
            },
            Found::Images(_) => Summary::Images {
                full_images: sorted(new.iter().map(FoundTag::full_image)),
            },
        };
        Self {
            summary,
            new,
            not_new,
        }
    }
}

impl FoundTag {
    /// Returns the image with its tag, `IMAGE:TAG`, or with its digest, `IMAGE@DIGEST`.
    #[must_use]
    pub fn full_image(&self) -> String {
        let separator = if self.tag.contains(':') { '@' } else { ':' };
        format!("{}{separator}{}", self.image, self.tag)
    }
}

/// Returns every image with every tag, each with its first origin.
fn distinct_tags(found: &Found, images: &[EntryImage]) -> impl Iterator<Item = FoundTag> {
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
            // Charts spell one repository in several ways; a list has it once.
            let mut seen = HashSet::new();
            let is_first = |image: &&FoundImage| {
                seen.insert((normalized_repository(&image.image), image.tag.clone()))
            };
            for image in images.iter().filter(is_first) {
                let key = (image.image.clone(), image.tag.clone(), None);
                origins.entry(key).or_insert_with(|| image.origin.clone());
            }
        }
    }
    let origins = origins.into_iter();
    origins.map(|((image, tag, destination), origin)| FoundTag {
        image,
        tag,
        destination,
        origin,
    })
}

fn not_new_reason(
    found: &FoundTag,
    own_org: Option<&Organization>,
    in_list: &impl Fn(&FoundTag) -> Option<String>,
) -> Option<NotNewReason> {
    if own_org.is_some_and(|own_org| own_org.contains(&found.image)) {
        return Some(NotNewReason::OwnOrganization);
    }
    if found.tag.parse::<ManifestReference>().is_err() {
        return Some(NotNewReason::InvalidTag);
    }
    in_list(found).map(NotNewReason::InList)
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

impl fmt::Display for NotNewReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InList(location) => write!(f, "{location} has it"),
            Self::OwnOrganization => f.write_str("the image is in your organization"),
            Self::InvalidTag => f.write_str(INVALID_TAG),
        }
    }
}

#[cfg(test)]
#[path = "new_tags_tests.rs"]
mod tests;
