//! `registry`: the tags of the first image's repository.

use std::collections::{HashMap, HashSet};
use std::mem;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, Repository};

use super::image_time;
use crate::candidate::{Candidate, Origin};
use crate::config::RegistryTags;
use crate::error::RetrievalError;
use crate::filters::{Selection, by_version};
use crate::retrieved::{Dropped, Retrieved};
use crate::source::{Upstreams, VersionSource};

/// Of how many tags the image configs are read, the highest versions first, where
/// a filter asks for times and the registry has no API that tells when a tag was
/// pushed. Each takes three requests, two of which Docker Hub would count.
pub const TIMES_READ: usize = 64;

impl VersionSource for RegistryTags {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let name = self
            .images
            .first()
            .map_or("", |image| image.source.as_str());
        let nothing = |what: &str| RetrievalError::Nothing {
            place: name.to_owned(),
            what: what.to_owned(),
        };
        // The client asks for an image; the tag does not matter.
        let image: Reference = format!("{name}:latest")
            .parse()
            .map_err(|_| nothing("is no name of a repository"))?;
        // Mirrors in registries.conf are not asked: they may not have the newest yet.
        let repository = upstreams.registries.destination(&image, Access::Pull)?;
        let Some(tags) = repository.tags().await? else {
            return Err(nothing(
                "does not exist, or is hidden from those without credentials",
            ));
        };
        if tags.is_empty() {
            return Err(nothing("has no tags"));
        }
        let (signatures, tags): (Vec<_>, Vec<_>) =
            tags.into_iter().partition(|tag| is_digest_tag(tag));
        let candidates = tags.into_iter().map(|tag| candidate(name, tag));
        let mut selection = self.filters.narrow(candidates.collect());
        selection
            .dropped
            .extend(signatures.into_iter().map(|item| Dropped {
                item,
                reason: "it belongs to another image, by whose digest it is named".to_owned(),
            }));
        if self.filters.needs_times() {
            add_times(&mut selection, &upstreams.registries, &image, &repository).await?;
        }
        Ok(self
            .filters
            .finish(selection, upstreams.now)?
            .into_versions())
    }
}

fn candidate(repository: &str, tag: String) -> Candidate {
    Candidate {
        name: tag.clone(),
        tag,
        published: None,
        origin: Origin::Repository {
            repository: repository.to_owned(),
        },
    }
}

/// Whether a tag names a signature, an attestation, an SBOM or the list of an
/// image's referrers: `sha256-HEX`, with or without `.sig`, `.att`, `.sbom`.
///
/// Source: distribution specification, "Referrers Tag Schema"; cosign.
fn is_digest_tag(tag: &str) -> bool {
    let rest = tag
        .strip_prefix("sha256-")
        .or_else(|| tag.strip_prefix("sha512-"));
    let hex = rest.map(|rest| rest.split_once('.').map_or(rest, |(hex, _)| hex));
    hex.is_some_and(|hex| hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Says of what is left when it was published: as the registry's own API has
/// it, where there is one, else when the images were made.
async fn add_times(
    selection: &mut Selection,
    registries: &Client,
    image: &Reference,
    repository: &Repository,
) -> Result<(), RetrievalError> {
    let mut tags: Vec<String> = selection.kept.iter().map(|kept| kept.tag.clone()).collect();
    tags.sort_by(|one, other| by_version(other, one));
    let told = match registries.vendor_api(image)? {
        Some(hosted) if !tags.is_empty() => hosted.push_times(&tags).await?,
        _ => None,
    };
    let times = match told {
        Some(times) => times,
        None => {
            tags.truncate(TIMES_READ);
            let read: HashSet<&str> = tags.iter().map(String::as_str).collect();
            leave_out_the_rest(selection, &read, repository);
            created_times(repository, &tags).await?
        }
    };
    for candidate in &mut selection.kept {
        candidate.published = times.get(&candidate.tag).copied();
    }
    Ok(())
}

/// Drops those of which no time will be known.
fn leave_out_the_rest(selection: &mut Selection, read: &HashSet<&str>, repository: &Repository) {
    let before = selection.kept.len();
    for candidate in mem::take(&mut selection.kept) {
        if read.contains(candidate.tag.as_str()) {
            selection.kept.push(candidate);
        } else {
            selection.dropped.push(Dropped {
                item: candidate.tag,
                reason: format!(
                    "only of the {TIMES_READ} highest versions it is asked when they were published"
                ),
            });
        }
    }
    if before > selection.kept.len() {
        selection.warnings.push(format!(
            "{repository}: of {before} tags only the {TIMES_READ} highest versions were looked at, \
             since their images have to be asked when they were made; narrow them with versionFilter"
        ));
    }
}

async fn created_times(
    repository: &Repository,
    tags: &[String],
) -> Result<HashMap<String, DateTime<Utc>>, RetrievalError> {
    let asked = tags.iter().map(|tag| async move {
        let created = image_time::created(repository, tag).await?;
        Ok::<_, RetrievalError>(created.map(|created| (tag.clone(), created)))
    });
    // At once as many as the registry's limit lets through.
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_named_by_a_digest_are_no_versions() {
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
