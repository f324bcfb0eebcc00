//! Projects of Harbor. A push creates the repository in its project.
//!
//! Source: Harbor, `api/v2.0/swagger.yaml`, `createProject`.

use http::{Method, StatusCode};
use serde_json::json;

use super::creation::{Creation, CreationApi, CreationError};
use super::vendor_host::{JsonBody, VendorHost};

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
