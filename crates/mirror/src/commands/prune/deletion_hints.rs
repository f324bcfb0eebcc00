//! Hints for deletions that a registry refuses or does not support.

use oci_spec::distribution::Reference;
use registry_client::{DeletionApi, DeletionError};

use crate::terminal::hints::{self, Operation};

/// The suffixes of the hosts of Google Artifact Registry, and of the registry that it replaced.
const GOOGLE: [&str; 3] = [".pkg.dev", ".gcr.io", "gcr.io"];

/// Returns the hint for a deletion that failed.
pub(super) fn for_failure(
    image: &Reference,
    api: Option<DeletionApi>,
    error: &DeletionError,
) -> Option<String> {
    let host = image.registry();
    match error {
        DeletionError::Request(error) if error.is_refused() && !error.is_refused_anonymous() => {
            Some(match right(host, api) {
                Some(right) => format!("give the account at {host} {right}"),
                None => format!(
                    "give the account the right to delete at {host}; the right to push is not enough (docs/clean-up.md)"
                ),
            })
        }
        DeletionError::Request(error) => hints::for_request(Operation::Write, image, error),
        DeletionError::NoCredentials {
            api: DeletionApi::Quay,
            ..
        } => Some(format!(
            "set QUAY_TOKEN to an OAuth 2 access token, and QUAY_HOST to {host}"
        )),
        DeletionError::NoCredentials { api, .. } => Some(format!(
            "log in with `mirror login {host}`; a deletion needs {}",
            api.deletion_right()
        )),
        DeletionError::Keys { .. } => Some(format!(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of an account with {}",
            DeletionApi::Ecr.deletion_right()
        )),
        DeletionError::OtherTag { .. } => {
            Some("run again: the next decision includes this tag".to_owned())
        }
        _ => None,
    }
}

/// Returns the right that a deletion needs, where the registry is known.
fn right(host: &str, api: Option<DeletionApi>) -> Option<&'static str> {
    if let Some(api) = api {
        return Some(api.deletion_right());
    }
    let is_google = GOOGLE.iter().any(|end| host.ends_with(end));
    is_google.then_some("the role roles/artifactregistry.repoAdmin for the repository")
}

/// Returns the hint for a registry that does not delete manifests.
pub(super) fn for_closed_registry(host: &str, api: Option<DeletionApi>) -> String {
    match api {
        Some(api) => format!("allow deletions at {host} for {}", api.vendor()),
        None => format!(
            "allow deletions at {host}: distribution has the setting storage.delete.enabled \
             (REGISTRY_STORAGE_DELETE_ENABLED=true)"
        ),
    }
}

/// Returns the hint for a tag that the registry deletes only with its manifest, which is needed.
pub(super) fn for_kept_tag(host: &str, api: Option<DeletionApi>) -> String {
    match api {
        Some(DeletionApi::GitHub) => {
            "first remove what needs the digest: GitHub Packages deletes a version with all its tags"
                .to_owned()
        }
        _ => format!(
            "first remove what needs the digest, or let {host} delete single tags, as distribution 3 does"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_is_that_of_the_vendor_or_of_google() {
        for (host, api, expected) in [
            ("r.io", Some(DeletionApi::Harbor), "Maintainer"),
            ("europe-docker.pkg.dev", None, "artifactregistry.repoAdmin"),
            ("eu.gcr.io", None, "artifactregistry.repoAdmin"),
        ] {
            let right = right(host, api).unwrap_or_default();
            assert!(right.contains(expected), "{host}: {right}");
        }
        assert_eq!(right("r.io", None), None);
    }
}
