//! Versions of packages at GitHub: the manifests of ghcr.io, each with all its tags.
//!
//! Source: GitHub REST API, "Packages": "List package versions for a package owned by an organization" and "Delete
//! package version for an organization", and the same for users. A deleted version can be restored for 30
//! days. Versions of public packages with more than 5,000 downloads are not deleted.

use http::StatusCode;
use serde::Deserialize;

use super::deletion::{DeletionApi, DeletionError};
use super::vendor_host::VendorHost;
use crate::error::Error;
use crate::redact::printable;
use crate::transport::BufferedResponse;

/// Source: GitHub, "Deleting and restoring a package".
pub(super) const DELETION_RIGHT: &str =
    "the role Admin for the package, and a classic token with delete:packages as the password";

/// The number of versions on a page, the maximum.
const PAGE: usize = 100;
/// The maximum length of a tag in an error, in characters.
const MAX_TAG: usize = 128;
/// The maximum number of pages.
const MAX_PAGES: usize = 200;
/// The collections that an owner may be in.
pub(crate) const OWNERS: [&str; 2] = ["orgs", "users"];

/// A version. Its name is the digest of the manifest.
#[derive(Deserialize)]
struct Version {
    id: u64,
    name: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    container: Container,
}

#[derive(Default, Deserialize)]
struct Container {
    #[serde(default)]
    tags: Vec<String>,
}

/// Deletes the version with the digest of the operation.
pub(super) async fn delete_version(api: &VendorHost) -> Result<(), DeletionError> {
    let repository = api.operation.repository.as_str();
    let Some((owner, package)) = repository.split_once('/') else {
        return Err(DeletionError::Refused {
            api: DeletionApi::GitHub,
            what: format!("{repository} is not OWNER/PACKAGE"),
        });
    };
    let package = package.replace('/', "%2F");
    let digest = api.operation.deleted_text();
    for owners in OWNERS {
        let versions = format!("{owners}/{owner}/packages/container/{package}/versions");
        if let Some(found) = find(api, &versions, digest).await? {
            let Some(version) = found else { return Ok(()) };
            refuse_other_tags(api, &version)?;
            let id = version.id;
            api.delete_once(&format!("{versions}/{id}")).await?;
            return Ok(());
        }
    }
    Err(DeletionError::Refused {
        api: DeletionApi::GitHub,
        what: format!("the token finds no package {owner}/{package}: it needs delete:packages"),
    })
}

/// Refuses a version with a tag that the caller does not delete. The tag list of the registry may be older than the
/// version, or lack a tag.
fn refuse_other_tags(api: &VendorHost, version: &Version) -> Result<(), DeletionError> {
    let mut tags = version.metadata.container.tags.iter();
    match tags.find(|tag| !api.operation.may_delete_tag(tag)) {
        None => Ok(()),
        Some(tag) => Err(DeletionError::OtherTag {
            api: DeletionApi::GitHub,
            tag: printable(tag, MAX_TAG),
        }),
    }
}

/// Returns the version with a digest: `Some(None)` for a package without it, `None` if there is no
/// such package.
async fn find(
    api: &VendorHost,
    versions: &str,
    digest: &str,
) -> Result<Option<Option<Version>>, Error> {
    for page in 1..=MAX_PAGES {
        let target = format!("{versions}?per_page={PAGE}&page={page}");
        let response = api.get(&target, &[200, 404]).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let listed = parse(&response)?;
        let is_last = listed.len() < PAGE;
        let found = listed.into_iter().find(|version| version.name == digest);
        if found.is_some() || is_last {
            return Ok(Some(found));
        }
    }
    Ok(Some(None))
}

fn parse(response: &BufferedResponse) -> Result<Vec<Version>, Error> {
    serde_json::from_slice(response.body())
        .map_err(|_| response.protocol_error("the response is not a list of versions"))
}
