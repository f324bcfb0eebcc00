//! The tags of followed entries.

use std::num::NonZeroU16;

use image_name::Tag;

use crate::candidate::{Candidate, Origin};
use crate::config::Entry;
use crate::entry::Follow;
use crate::new_tags::INVALID_TAG;
use crate::retrieved::{Dropped, Found, Retrieved};

/// The tags that a followed entry mirrors, and the versions that it drops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowedTags {
    /// Each image of the entry with each tag, in the order of the images and of the source's tags.
    pub tags: Vec<FollowedTag>,
    /// The versions that filters drop, and the names that are not valid tags.
    pub dropped: Vec<Dropped>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
}

/// A tag that a followed entry mirrors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedTag {
    /// The source repository as the configuration names it.
    pub source: String,
    /// The destination as the configuration names it.
    pub destination: String,
    /// The tag.
    pub tag: Tag,
    /// The evidence for the tag.
    pub origin: Origin,
}

/// The reason why a followed entry mirrors nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The filters keep more tags than `maximum`.
    #[error("the filters keep {count} tags, such as {first}, above the maximum of {maximum}")]
    Maximum {
        /// `maximum`.
        maximum: NonZeroU16,
        /// The number of tags.
        count: usize,
        /// One of the tags.
        first: String,
    },
    /// The source returned only part of the result.
    #[error("{}", failures.join("; "))]
    Incomplete {
        /// The failures.
        failures: Vec<String>,
    },
}

impl FollowedTags {
    /// Returns the tags that an entry mirrors, given what its source returned.
    ///
    /// # Errors
    ///
    /// [`FollowError`] if the filters keep more tags than `maximum`, or the result is incomplete.
    pub fn new(entry: &Entry, follow: Follow, retrieved: Retrieved) -> Result<Self, FollowError> {
        let Retrieved {
            found,
            dropped,
            warnings,
            failures,
            ..
        } = retrieved;
        if !failures.is_empty() {
            return Err(FollowError::Incomplete { failures });
        }
        // Sources of images are not followed.
        let candidates = match found {
            Found::Versions(candidates) => candidates,
            Found::Images(_) => Vec::new(),
        };
        let mut followed = Self {
            tags: Vec::new(),
            dropped,
            warnings,
        };
        let valid = followed.without_invalid_tags(candidates);
        if let Some(maximum) = follow.maximum
            && valid.len() > usize::from(maximum.get())
        {
            return Err(FollowError::Maximum {
                maximum,
                count: valid.len(),
                first: valid
                    .first()
                    .map(|(tag, _)| tag.to_string())
                    .unwrap_or_default(),
            });
        }
        for image in entry.source.images() {
            // The configuration is valid, so every image has a destination.
            let Some(destination) = &image.destination else {
                continue;
            };
            followed
                .tags
                .extend(valid.iter().map(|(tag, origin)| FollowedTag {
                    source: image.source.clone(),
                    destination: destination.clone(),
                    tag: tag.clone(),
                    origin: origin.clone(),
                }));
        }
        Ok(followed)
    }

    /// Returns the tags of the candidates. Those without a valid tag are dropped with a warning.
    fn without_invalid_tags(&mut self, candidates: Vec<Candidate>) -> Vec<(Tag, Origin)> {
        let mut valid = Vec::new();
        let before = self.dropped.len();
        for candidate in candidates {
            match candidate.tag.parse::<Tag>() {
                Ok(tag) => valid.push((tag, candidate.origin)),
                Err(_) => self.dropped.push(Dropped {
                    item: candidate.tag,
                    reason: INVALID_TAG.to_owned(),
                }),
            }
        }
        if let [first, more @ ..] = &self.dropped[before..] {
            let more = match more.len() {
                0 => String::new(),
                many => format!(" and {many} more"),
            };
            let warning = format!("{}{more}: {INVALID_TAG}", first.item);
            self.warnings.push(warning);
        }
        valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const CONFIG: &str = r#"{"x": {
        "images": [
            {"source": "q.io/a", "destination": "r.io/a"},
            {"source": "q.io/b", "destination": "r.io/b"}
        ],
        "versionSource": "registry", "follow": true, "maximum": 2
    }}"#;

    fn followed(tags: &[&str]) -> Result<FollowedTags, FollowError> {
        let config = Config::parse(CONFIG).unwrap();
        let entry = &config.entries[0];
        let origin = Origin::Repository {
            repository: "q.io/a".to_owned(),
        };
        let candidates = tags
            .iter()
            .map(|tag| Candidate::new(*tag, None, origin.clone()));
        let retrieved = Retrieved {
            found: Found::Versions(candidates.collect()),
            dropped: Vec::new(),
            untagged: Vec::new(),
            warnings: Vec::new(),
            failures: Vec::new(),
        };
        FollowedTags::new(entry, entry.follow.unwrap(), retrieved)
    }

    #[test]
    fn every_image_gets_every_valid_tag() {
        let found = followed(&["1", "2+x", "3"]).unwrap();
        let tags = found.tags.iter();
        let tags = tags.map(|one| format!("{} {} {}", one.source, one.destination, one.tag));
        let want = [
            "q.io/a r.io/a 1",
            "q.io/a r.io/a 3",
            "q.io/b r.io/b 1",
            "q.io/b r.io/b 3",
        ];
        assert_eq!(tags.collect::<Vec<_>>(), want);
        assert_eq!(found.dropped[0].item, "2+x");
        assert_eq!(found.warnings, [format!("2+x: {INVALID_TAG}")]);
    }

    #[test]
    fn more_tags_than_the_maximum_are_an_error() {
        let error = followed(&["1", "2", "3"]).unwrap_err().to_string();
        let want = "the filters keep 3 tags, such as 1, above the maximum of 2";
        assert_eq!(error, want);
    }
}
