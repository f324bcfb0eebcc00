//! When an image was made.

use chrono::{DateTime, Utc};
use http::StatusCode;
use oci_spec::image::{Arch, Descriptor, Os};
use registry_client::{Blob, Content, Error, Manifest, Repository};
use serde::Deserialize;

/// An index of indexes of images is as deep as it gets.
const DEPTH: usize = 3;

/// Image configs are some kilobytes; there are none with megabytes.
const CONFIG_LIMIT: u64 = 4 * 1024 * 1024;

/// Before this no container image was made (docker 0.1 is of March 2013): what
/// says so was built reproducibly, with a time that tells nothing (0001, 1970, 1980).
const FIRST_IMAGES: i64 = 1_356_998_400;

/// The part of an image config that counts here.
///
/// Source: image specification, "Image Configuration".
#[derive(Deserialize)]
struct Config {
    created: Option<String>,
}

/// The `created` time of the image under a tag: of an index that of its image
/// for linux/amd64, else of its first. `None` where there is none to be had: the
/// tag or its config is gone, it is no image, or its config does not say.
///
/// # Errors
///
/// Any error of the wire.
pub(super) async fn created(
    repository: &Repository,
    tag: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    let mut reference = tag.to_owned();
    for _ in 0..DEPTH {
        let Some(manifest) = repository.manifest(&reference).await? else {
            return Ok(None);
        };
        match config_or_child(&manifest) {
            Some(Step::Child(child)) => reference = child.digest().to_string(),
            Some(Step::Config(config)) => return of_config(repository, &config).await,
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// What to read next.
enum Step {
    Child(Descriptor),
    Config(Descriptor),
}

fn config_or_child(manifest: &Manifest) -> Option<Step> {
    match manifest.content().ok()? {
        Content::Index { manifests, .. } => {
            let best = manifests.iter().find(|child| is_linux_amd64(child));
            let first = manifests.iter().find(|child| !is_attestation(child));
            Some(Step::Child(best.or(first)?.clone()))
        }
        Content::Image { config, .. } => Some(Step::Config(*config?)),
    }
}

fn is_linux_amd64(child: &Descriptor) -> bool {
    let platform = child.platform().as_ref();
    platform.is_some_and(|it| *it.os() == Os::Linux && *it.architecture() == Arch::Amd64)
}

/// buildx puts what it knows of an image beside it, for the platform `unknown/unknown`.
fn is_attestation(child: &Descriptor) -> bool {
    let platform = child.platform().as_ref();
    platform.is_some_and(|it| it.os().to_string() == "unknown")
}

async fn of_config(
    repository: &Repository,
    config: &Descriptor,
) -> Result<Option<DateTime<Utc>>, Error> {
    let blob = Blob {
        digest: config.digest().clone(),
        size: config.size(),
    };
    match repository.small_blob(&blob, CONFIG_LIMIT).await {
        // Registries that were tidied up lose them: one tag less, not all.
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        bytes => Ok(created_in(&bytes?)),
    }
}

fn created_in(config: &[u8]) -> Option<DateTime<Utc>> {
    let config: Config = serde_json::from_slice(config).ok()?;
    let created = DateTime::parse_from_rfc3339(&config.created?).ok()?;
    let created = created.with_timezone(&Utc);
    (created.timestamp() >= FIRST_IMAGES).then_some(created)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_reproducible_builds_are_none() {
        for (config, expected) in [
            (
                r#"{"created":"2026-11-21T08:00:00.123456789Z","os":"linux"}"#,
                Some(1_795_248_000),
            ),
            (
                r#"{"created":"2026-11-21T10:00:00+02:00"}"#,
                Some(1_795_248_000),
            ),
            (r#"{"created":"1970-01-01T00:00:00Z"}"#, None),
            (r#"{"created":"1980-01-01T00:00:01Z"}"#, None),
            (r#"{"created":"0001-01-01T00:00:00Z"}"#, None),
            (r#"{"created":null}"#, None),
            (r#"{"created":"yesterday"}"#, None),
            // The config of a chart, of an artifact.
            (r#"{"name":"chart","version":"1.2.3"}"#, None),
            ("{}", None),
            ("not json", None),
        ] {
            let created = created_in(config.as_bytes());
            assert_eq!(created.map(|time| time.timestamp()), expected, "{config}");
        }
    }
}
