//! `--dest-registry` and `--dest-org`: overrides for the destinations of all rows.

use image_name::{RepositoryName, RepositoryPath, RepositoryPathError};

use super::select_args::SelectSettings;
use crate::cli::failure::Failure;

/// The parts of every destination that are replaced.
#[derive(Debug)]
pub(crate) struct Overrides {
    host: Option<String>,
    org: Option<String>,
}

impl Overrides {
    /// Parses the overrides of options, arguments and environment variables.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an invalid host or organization.
    pub(crate) fn parse(settings: &SelectSettings<'_>) -> Result<Self, Failure> {
        let host = settings.dest_registry.map(checked_host).transpose()?;
        let org = settings.dest_org.map(checked_org).transpose()?;
        Ok(Self { host, org })
    }

    /// Replaces the host and the first path component. A path of one component gets the
    /// organization as a prefix.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the result is not a repository.
    pub(crate) fn apply(&self, destination: &RepositoryName) -> Result<RepositoryName, Failure> {
        if self.host.is_none() && self.org.is_none() {
            return Ok(destination.clone());
        }
        let host = self.host.as_deref().unwrap_or(destination.host().as_str());
        let path = match &self.org {
            None => destination.path().to_string(),
            Some(org) => {
                let path = destination.path().as_str();
                let rest = path.split_once('/').map_or(path, |(_, rest)| rest);
                format!("{org}/{rest}")
            }
        };
        format!("{host}/{path}").parse().map_err(|error| {
            Failure::unusable(format!(
                "cannot override the destination {destination} with {host}/{path}: {error}"
            ))
        })
    }
}

fn checked_host(host: &str) -> Result<String, Failure> {
    let parsed: Option<RepositoryName> = format!("{host}/a/b").parse().ok();
    match parsed {
        // Any other text parses as a path at Docker Hub.
        Some(name) if name.path().as_str() == "a/b" => Ok(name.host().to_string()),
        _ => Err(Failure::unusable(format!(
            "invalid destination registry {host:?} (--dest-registry, DEST_REGISTRY_OVERRIDE)"
        ))
            .hint("write HOST or HOST:PORT, such as registry.example.com or localhost:5000; give a path with --dest-org".to_owned())),
    }
}

fn checked_org(org: &str) -> Result<String, Failure> {
    let error = match org.parse::<RepositoryPath>() {
        Ok(_) => return Ok(org.to_owned()),
        Err(error) => error,
    };
    let hint = match error {
        RepositoryPathError::Uppercase { .. } => Some(format!("write {}", org.to_lowercase())),
        _ => None,
    };
    let message = format!(
        "invalid destination organization {org:?} (--dest-org, DEST_ORG_OVERRIDE): {error}"
    );
    Err(Failure::unusable(message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(host: Option<&str>, org: Option<&str>) -> Result<Overrides, Failure> {
        Overrides::parse(&SelectSettings {
            images_file: None,
            dest_registry: host,
            dest_org: org,
        })
    }

    #[test]
    fn overrides_replace_host_and_first_component() {
        let table = [
            (None, None, "rancher/a", "docker.io/rancher/a:1"),
            (
                Some("localhost:5000"),
                None,
                "rancher/a",
                "localhost:5000/rancher/a:1",
            ),
            (None, Some("test"), "q.io/rancher/a/b", "q.io/test/a/b:1"),
            (Some("r.io"), Some("x/y"), "q.io/rancher/a", "r.io/x/y/a:1"),
            (None, Some("test"), "q.io/a", "q.io/test/a:1"),
            (None, Some("test"), "busybox", "docker.io/test/busybox:1"),
            (
                Some("index.docker.io"),
                None,
                "q.io/a",
                "docker.io/library/a:1",
            ),
        ];
        let tag = "1".parse().unwrap();
        for (host, org, destination, want) in table {
            let overrides = overrides(host, org).unwrap();
            let applied = overrides.apply(&destination.parse().unwrap()).unwrap();
            assert_eq!(
                applied.reference(&tag).whole(),
                want,
                "{host:?} {org:?} {destination}"
            );
        }
    }

    #[test]
    fn invalid_overrides_are_refused() {
        for host in ["registry", "https://r.io", "r.io/path", "r.io:x", ""] {
            let message = overrides(Some(host), None).unwrap_err().message;
            assert!(message.contains("DEST_REGISTRY_OVERRIDE"), "{message}");
        }
        for org in ["Upper", "/x", "x/", "a:b", "a b"] {
            let message = overrides(None, Some(org)).unwrap_err().message;
            assert!(message.contains("DEST_ORG_OVERRIDE"), "{message}");
            assert!(!message.contains("localhost"), "{message}");
        }
        let upper = overrides(None, Some("Upper")).unwrap_err();
        assert_eq!(upper.hint.as_deref(), Some("write upper"));
    }
}
