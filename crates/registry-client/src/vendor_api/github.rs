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
use crate::transport::BufferedResponse;

/// The number of versions on a page, the maximum.
const PAGE: usize = 100;
/// The maximum number of pages.
const MAX_PAGES: usize = 200;
/// The collections that an owner may be in.
pub(crate) const OWNERS: [&str; 2] = ["orgs", "users"];

/// A version. Its name is the digest of the manifest.
#[derive(Deserialize)]
struct Version {
    id: u64,
    name: String,
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
            let Some(id) = found else { return Ok(()) };
            api.delete_once(&format!("{versions}/{id}")).await?;
            return Ok(());
        }
    }
    Err(DeletionError::Refused {
        api: DeletionApi::GitHub,
        what: format!("the token finds no package {owner}/{package}: it needs delete:packages"),
    })
}

/// Returns the ID of the version with a digest: `Some(None)` for a package without it, `None` if there is no
/// such package.
async fn find(
    api: &VendorHost,
    versions: &str,
    digest: &str,
) -> Result<Option<Option<u64>>, Error> {
    for page in 1..=MAX_PAGES {
        let target = format!("{versions}?per_page={PAGE}&page={page}");
        let response = api.get(&target, &[200, 404]).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let listed = parse(&response)?;
        let found = listed.iter().find(|version| version.name == digest);
        if found.is_some() || listed.len() < PAGE {
            return Ok(Some(found.map(|version| version.id)));
        }
    }
    Ok(Some(None))
}

fn parse(response: &BufferedResponse) -> Result<Vec<Version>, Error> {
    serde_json::from_slice(response.body())
        .map_err(|_| response.protocol_error("the response is not a list of versions"))
}
