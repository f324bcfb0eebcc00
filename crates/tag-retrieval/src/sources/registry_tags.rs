//! `registry`: the tags of the first image.

use std::collections::{HashMap, HashSet};
use std::mem;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use oci_spec::distribution::Reference;
use registry_client::{Access, Repository};

use super::image_time;
use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind};
use crate::error::RetrievalError;
use crate::filters::{FilterSet, Newest, Selection, TagForm, compare_tags};
use crate::retrieved::{Dropped, Retrieved};
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// Maximum number of image configs to read for creation times, highest versions first. They are read if
/// a filter needs times and the registry has no API for push times. Each takes three requests, two of
/// which count against Docker Hub's limit.
pub const MAX_TIMES_READ: usize = 64;

/// The tags of the first image.
#[derive(Debug, Clone)]
pub struct RegistryTags {
    /// The images that receive the versions; at least one. The tags of the first are listed.
    pub images: Vec<EntryImage>,
    /// The filters for the tags.
    pub filters: FilterSet,
}

impl ConfiguredSource for RegistryTags {
    const KIND: SourceKind = SourceKind {
        name: "registry",
        argument: None,
        required: &["images"],
        optional: &[
            "versionExtract",
            "tagTemplate",
            "versionFilter",
            "versionConstraint",
            "minimumAge",
            "latest",
            "latestBy",
            "follow",
            "maximum",
            "latest_entry",
        ],
        charts: None,
    };

    fn parse(_: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        let mut filters = parts.filters;
        // The names are tags already.
        if matches!(filters.tag, TagForm::Version) {
            filters.tag = TagForm::Name;
        }
        Ok(Self {
            images: parts.images,
            filters,
        })
    }

    fn images(&self) -> &[EntryImage] {
        &self.images
    }
}

impl VersionSource for RegistryTags {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let name = self
            .images
            .first()
            .map_or("", |image| image.source.as_str());
        let empty = |reason: &str| RetrievalError::Empty {
            location: name.to_owned(),
            reason: reason.to_owned(),
        };
        // The client takes an image; its tag has no effect.
        let image: Reference = format!("{name}:latest")
            .parse()
            .map_err(|_| empty("is not a repository"))?;
        // Mirrors of registries.conf are not used: they may lack the newest tags.
        let repository = upstreams.registries.destination(&image, Access::Pull)?;
        let Some(list) = upstreams.tag_lists.read(&repository).await? else {
            return Err(empty("does not exist, or requires credentials"));
        };
        let tags: Vec<String> = list.tags.iter().map(ToString::to_string).collect();
        if tags.is_empty() {
            return Err(empty("has no tags"));
        }
        let (digest_tags, tags): (Vec<_>, Vec<_>) =
            tags.into_iter().partition(|tag| is_digest_tag(tag));
        if tags.is_empty() {
            return Err(empty("has only tags of signatures and referrers"));
        }
        let origin = Origin::Repository {
            repository: name.to_owned(),
        };
        let candidates = tags.into_iter();
        let candidates = candidates.map(|tag| Candidate::new(tag, None, origin.clone()));
        let mut selection = self.filters.narrow(candidates.collect());
        selection
            .dropped
            .extend(digest_tags.into_iter().map(|item| Dropped {
                item,
                reason: "named by the digest of another image".to_owned(),
            }));
        let warnings = list.listing.warnings().into_iter();
        selection
            .warnings
            .extend(warnings.map(|warning| format!("{repository}: {warning}")));
        if self.filters.needs_times() {
            self.add_times(&mut selection, upstreams, &image, &repository)
                .await?;
        }
        Ok(self
            .filters
            .finish(selection, upstreams.now)?
            .into_versions())
    }
}

/// Returns true if a tag is a digest tag: a signature, attestation, SBOM or referrers list with the name
/// `sha256-HEX`, with or without `.sig`, `.att` or `.sbom`.
///
/// Source: distribution specification, "Referrers Tag Schema"; cosign.
fn is_digest_tag(tag: &str) -> bool {
    let rest = tag
        .strip_prefix("sha256-")
        .or_else(|| tag.strip_prefix("sha512-"));
    let hex = rest.map(|rest| rest.split_once('.').map_or(rest, |(hex, _)| hex));
    hex.is_some_and(|hex| hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl RegistryTags {
    /// Sets the publication times: push times if the registry has an API for them, otherwise the creation
    /// times of the images.
    async fn add_times(
        &self,
        selection: &mut Selection,
        upstreams: &Upstreams,
        image: &Reference,
        repository: &Repository,
    ) -> Result<(), RetrievalError> {
        let mut highest: Vec<&Candidate> = selection.kept.iter().collect();
        highest.sort_by(|one, other| compare_tags(&other.version, &one.version));
        let tags: Vec<String> = highest.iter().map(|kept| kept.name.clone()).collect();
        let push_times = match upstreams.registries.vendor_api(image)? {
            Some(vendor_api) if !tags.is_empty() => vendor_api.push_times(&tags).await?,
            _ => None,
        };
        let times = match push_times {
            Some(times) => times,
            None => {
                let read = self.created_times(repository, &tags, upstreams.now).await?;
                let (first, others) = tags.split_at(read.tags);
                let first: HashSet<&str> = first.iter().map(String::as_str).collect();
                match read.is_enough && !others.is_empty() {
                    true => drop_lower_tags(selection, &first),
                    false => drop_tags_without_time(selection, &first, repository),
                }
                read.times
            }
        };
        for candidate in &mut selection.kept {
            candidate.published = times.get(&candidate.name).copied();
        }
        Ok(())
    }

    /// Reads the creation times of at most [`MAX_TIMES_READ`] tags, the highest version first. With
    /// `latest`, it stops after enough versions that `minimumAge` allows.
    async fn created_times(
        &self,
        repository: &Repository,
        tags: &[String],
        now: DateTime<Utc>,
    ) -> Result<ReadTimes, RetrievalError> {
        let mut read = ReadTimes::default();
        let chunk = match self.filters.newest {
            Newest::Highest(count) => count.get(),
            Newest::All | Newest::LastPublished { .. } => tags.len(),
        };
        let mut allowed = 0;
        let tags = tags.get(..MAX_TIMES_READ).unwrap_or(tags);
        for tags in tags.chunks(chunk.max(1)) {
            let times = created_times(repository, tags).await?;
            let is_allowed = |time: &&DateTime<Utc>| {
                let age = self.filters.minimum_age;
                age.is_none_or(|age| age.allows(**time, now))
            };
            allowed += times.values().filter(is_allowed).count();
            read.times.extend(times);
            read.tags += tags.len();
            if matches!(self.filters.newest, Newest::Highest(_)) && allowed >= chunk {
                read.is_enough = true;
                break;
            }
        }
        Ok(read)
    }
}

/// The creation times of the first tags of a list.
#[derive(Debug, Default)]
struct ReadTimes {
    /// The number of tags that were read.
    tags: usize,
    times: HashMap<String, DateTime<Utc>>,
    /// The other tags are below those that `latest` keeps.
    is_enough: bool,
}

/// Drops the tags below those that `latest` keeps. `read` are the tags with a time.
fn drop_lower_tags(selection: &mut Selection, read: &HashSet<&str>) {
    let is_lower = |candidate: &mut Candidate| !read.contains(candidate.name.as_str());
    let dropped = selection.kept.extract_if(.., is_lower);
    selection.dropped.extend(dropped.map(|candidate| Dropped {
        item: candidate.name,
        reason: "`latest`: enough higher versions pass `minimumAge`".to_owned(),
    }));
}

/// Drops the candidates whose times are not read.
fn drop_tags_without_time(
    selection: &mut Selection,
    read: &HashSet<&str>,
    repository: &Repository,
) {
    let before = selection.kept.len();
    for candidate in mem::take(&mut selection.kept) {
        if read.contains(candidate.name.as_str()) {
            selection.kept.push(candidate);
        } else {
            selection.dropped.push(Dropped {
                item: candidate.name,
                reason: format!(
                    "publication times are read for the {MAX_TIMES_READ} highest versions only"
                ),
            });
        }
    }
    if before > selection.kept.len() {
        selection.warnings.push(format!(
            "{repository}: only the {MAX_TIMES_READ} highest versions of {before} tags were considered, \
             because their publication times are read from the images; narrow the tags with \
             versionFilter"
        ));
    }
}

async fn created_times(
    repository: &Repository,
    tags: &[String],
) -> Result<HashMap<String, DateTime<Utc>>, RetrievalError> {
    let times = tags.iter().map(|tag| async move {
        let created = image_time::creation_time(repository, tag).await?;
        Ok::<_, RetrievalError>(created.map(|created| (tag.clone(), created)))
    });
    // The client limits concurrent requests.
    Ok(try_join_all(times).await?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_tag_is_recognized() {
        let hex = "0123456789abcdef".repeat(4);
        for (tag, expected) in [
            (format!("sha256-{hex}"), true),
            (format!("sha256-{hex}.sig"), true),
            (format!("sha256-{hex}.att"), true),
            (format!("sha256-{hex}.sbom"), true),
            (format!("sha512-{hex}"), true),
            (format!("sha256-{}", &hex[1..]), false),
            (format!("sha256-{}g", &hex[1..]), false),
            ("sha256-latest".to_owned(), false),
            ("sha-0123456".to_owned(), false),
            ("v1.2.3".to_owned(), false),
        ] {
            assert_eq!(is_digest_tag(&tag), expected, "{tag}");
        }
    }
}
