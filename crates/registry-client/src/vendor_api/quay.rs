//! Repositories of quay.
//!
//! Source: quay, `endpoints/api/repository.py`, `createRepo` and `getRepo`.

use http::{Method, StatusCode};
use serde_json::json;

use super::creation::{Creation, CreationError};
use super::vendor_host::{JsonBody, VendorHost, text_at};
use crate::error::Error;

/// Creates the repository. It is private.
pub(crate) async fn create(api: &VendorHost) -> Result<Creation, CreationError> {
    let repository = &api.operation.repository;
    let Some((namespace, name)) = repository.as_str().split_once('/') else {
        return Err(CreationError::Unsupported {
            what: format!("{repository} is not a repository of quay, which is NAMESPACE/NAME"),
        });
    };
    let document = json!({
        "repo_kind": "image",
        "namespace": namespace,
        "repository": name,
        "visibility": "private",
        "description": "",
    });
    let body = JsonBody::new(&document);
    let target = "api/v1/repository";
    let error = match api.send(Method::POST, target, body, &[201]).await {
        Ok(response) => {
            if text_at(&response, "/name")? == name {
                return Ok(Creation::Created(repository.to_string()));
            }
            let what = "the response names another repository";
            return Err(response.protocol_error(what).into());
        }
        Err(error) => error,
    };
    // The responses for an existing repository and for an invalid request differ only in the message.
    let may_exist = [Some(StatusCode::BAD_REQUEST), Some(StatusCode::CONFLICT)];
    if may_exist.contains(&error.status()) && exists(api).await? {
        return Ok(Creation::Existing);
    }
    Err(error.into())
}

async fn exists(api: &VendorHost) -> Result<bool, Error> {
    let target = format!("api/v1/repository/{}", api.operation.repository);
    let response = api.get(&target, &[200, 404]).await?;
    Ok(response.status == StatusCode::OK)
}

/// Source: Quay, "Repository permissions" and "Quay API". The right to push includes deletions.
pub(super) const DELETION_RIGHT: &str =
    "the permission Write for the repository, and for its API a token with repo:write";

/// Deletes the tag of the operation. Quay keeps its content for the days of the time machine.
///
/// Source: quay, `endpoints/api/tag.py`, `deleteFullTag`.
pub(super) async fn delete_tag(api: &VendorHost) -> Result<(), Error> {
    let (name, tag) = (&api.operation.repository, api.operation.deleted_text());
    api.delete_once(&format!("api/v1/repository/{name}/tag/{tag}"))
        .await
}
