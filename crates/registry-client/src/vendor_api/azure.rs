//! Tags of Azure Container Registry.
//!
//! Source: Azure Container Registry REST API, "Tag - Delete" (`/acr/v1`).

use super::vendor_host::VendorHost;
use crate::error::Error;

/// Source: Azure Container Registry, "Roles and permissions" and "Repository-scoped permissions".
pub(super) const DELETION_RIGHT: &str =
    "the role AcrDelete, or a token whose scope map has content/delete";

/// Removes the tag of the operation. Its manifest stays.
pub(super) async fn delete_tag(api: &VendorHost) -> Result<(), Error> {
    let (name, tag) = (&api.operation.repository, api.operation.deleted_text());
    api.delete_once(&format!("acr/v1/{name}/_tags/{tag}")).await
}
