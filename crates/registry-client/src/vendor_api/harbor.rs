//! Projects of Harbor. A push creates the repository in its project.
//!
//! Source: Harbor, `api/v2.0/swagger.yaml`, `createProject`.

use http::{Method, StatusCode};
use serde_json::json;

use super::creation::{Creation, CreationApi, CreationError};
use super::vendor_host::{JsonBody, VendorHost};
use crate::error::Error;

/// Creates the project of the repository, with private images.
pub(crate) async fn create(api: &VendorHost) -> Result<Creation, CreationError> {
    let repository = &api.operation.repository;
    if repository.components().count() < 2 {
        return Err(CreationError::Unsupported {
            what: format!("{repository} is not a repository of Harbor, which is PROJECT/NAME"),
        });
    }
    let project = CreationApi::Harbor.path_to_create(repository);
    let document = json!({"project_name": project, "metadata": {"public": "false"}});
    let body = JsonBody::new(&document);
    let target = "api/v2.0/projects";
    let response = api.send(Method::POST, target, body, &[201, 409]).await?;
    Ok(match response.status {
        StatusCode::CONFLICT => Creation::Existing,
        _ => Creation::Created(project.to_owned()),
    })
}

/// Source: Harbor, "User Permissions By Role" and "Create Project Robot Accounts".
pub(super) const DELETION_RIGHT: &str = "the role Maintainer in the project, or a robot account with the permissions to delete tags and artifacts";

/// Removes the tag of the operation from its artifact. The path has the digest, so a tag that has moved is
/// not removed.
///
/// Source: Harbor, `api/v2.0/swagger.yaml`, `deleteTag`. The name of the repository is encoded twice.
pub(super) async fn delete_tag(api: &VendorHost) -> Result<(), Error> {
    let path = api.operation.harbor_tag_path();
    api.delete_once(path.trim_start_matches('/')).await
}
