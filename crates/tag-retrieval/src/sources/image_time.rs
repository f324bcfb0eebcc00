//! The creation time of an image.

use chrono::{DateTime, Utc};
use http::StatusCode;
use image_name::{Digest, ManifestReference};
use registry_client::{Content, Descriptor, Error, ImageConfig, Manifest, Repository};

/// Maximum depth: an index, a nested index, an image.
const MAX_DEPTH: usize = 3;

/// Maximum size of an image config. Usual ones have a few kilobytes.
const MAX_CONFIG_SIZE: u64 = 4 * 1024 * 1024;

/// Start of 2013, before the first container images. Reproducible builds set an earlier, meaningless
/// time (0001, 1970, 1980).
const EARLIEST_TIME: i64 = 1_356_998_400;

/// Returns the `created` time of the image behind a tag. Of an index, its linux/amd64 image counts,
/// otherwise its first. Returns `None` if the tag or config is missing, the content is not an image, or
/// the config has no usable time.
///
/// # Errors
///
/// Any error of the registry.
pub(super) async fn creation_time(
    repository: &Repository,
    tag: &str,
) -> Result<Option<DateTime<Utc>>, Error> {
    let Ok(mut reference) = tag.parse::<ManifestReference>() else {
        return Ok(None);
    };
    for _ in 0..MAX_DEPTH {
        let Some(manifest) = repository.manifest(&reference).await? else {
            return Ok(None);
        };
        match config_or_child(&manifest) {
            Some(Step::Child(child)) => match Digest::try_from(child.digest()) {
                Ok(digest) => reference = digest.into(),
                Err(_) => return Ok(None),
            },
            Some(Step::Config(config)) => return created_in_config(repository, &config).await,
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// The next descriptor to read.
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
    child.platform().is_some_and(|platform| {
        platform.os.as_deref().is_none_or(|os| os == "linux")
            && platform.architecture.as_deref() == Some("amd64")
    })
}

/// Returns true if a child is an attestation. buildx stores them with the platform `unknown/unknown`.
fn is_attestation(child: &Descriptor) -> bool {
    let platform = child.platform();
    platform.is_some_and(|platform| platform.os.as_deref() == Some("unknown"))
}

async fn created_in_config(
    repository: &Repository,
    config: &Descriptor,
) -> Result<Option<DateTime<Utc>>, Error> {
    let Ok(digest) = Digest::try_from(config.digest()) else {
        return Ok(None);
    };
    let read = repository.image_config(&digest, config.size(), MAX_CONFIG_SIZE);
    match read.await {
        // Garbage collection may have deleted the config. The other tags still count.
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        config => Ok(usable_time(&config?)),
    }
}

fn usable_time(config: &ImageConfig) -> Option<DateTime<Utc>> {
    let created = DateTime::parse_from_rfc3339(config.created.as_deref()?).ok()?;
    let created = created.with_timezone(&Utc);
    (created.timestamp() >= EARLIEST_TIME).then_some(created)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_a_reproducible_build_is_ignored() {
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
            // The config of a chart.
            (r#"{"name":"chart","version":"1.2.3"}"#, None),
            ("{}", None),
            ("not json", None),
        ] {
            let created = usable_time(&ImageConfig::parse(config.as_bytes()).unwrap());
            assert_eq!(created.map(|time| time.timestamp()), expected, "{config}");
        }
    }
}
