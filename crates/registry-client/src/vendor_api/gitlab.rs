//! Projects of GitLab. A push creates the repository in its project.
//!
//! Source: GitLab, "Projects API" and "Namespaces API".

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::creation::{Creation, CreationError};
use super::deletion::{DeletionApi, DeletionError};
use super::vendor_cache::VendorCache;
use super::vendor_host::{JsonBody, VendorHost};
use crate::error::Error;
use crate::vendor_operation::{OperationApi, gitlab_id, gitlab_prefixes};

/// The maximum number of pages of a project's repositories.
const MAX_REPOSITORY_PAGES: usize = 50;

/// Creates the project of the repository: the group or user is the longest path above it that exists,
/// and the project is the component after that. The project is private.
///
/// A path below a group that the token may not read looks like one below a group that does not exist.
pub(crate) async fn create(
    api: &VendorHost,
    cache: &VendorCache,
) -> Result<Creation, CreationError> {
    let repository = &api.operation.repository;
    let mut project = repository.as_str();
    for namespace in gitlab_prefixes(repository).skip(1) {
        if let Some(id) = namespace_id(api, cache, namespace).await? {
            let key = (api.host.name().to_owned(), project.to_owned());
            let mut is_first = false;
            let creation = || {
                is_first = true;
                create_project(api, project, id)
            };
            let creation = cache.projects.get_or_try_init(key, creation).await?;
            return Ok(if is_first {
                creation
            } else {
                Creation::Existing
            });
        }
        project = namespace;
    }
    Err(CreationError::Unsupported {
        what: format!(
            "{} has no group or user {project}, or the token may not read it",
            api.host.name()
        ),
    })
}

/// Returns the ID of a group or user, `None` if there is none.
async fn namespace_id(
    api: &VendorHost,
    cache: &VendorCache,
    path: &str,
) -> Result<Option<u64>, Error> {
    let fetch = || async {
        let target = target(api, "namespaces/") + &gitlab_id(path);
        let response = api.get(&target, &[200, 404]).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        match document["id"].as_u64() {
            Some(id) => Ok(Some(id)),
            None => Err(response.protocol_error("the namespace has no ID")),
        }
    };
    let key = (api.host.name().to_owned(), path.to_owned());
    cache.namespaces.get_or_try_init(key, fetch).await
}

async fn create_project(
    api: &VendorHost,
    path: &str,
    namespace: u64,
) -> Result<Creation, CreationError> {
    if project_exists(api, path).await? {
        return Ok(Creation::Existing);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let document = json!({
        "name": name,
        "path": name,
        "namespace_id": namespace,
        "visibility": "private",
    });
    let body = JsonBody::new(&document);
    let target = target(api, "projects");
    let error = match api.send(Method::POST, &target, body, &[201]).await {
        Ok(response) => {
            let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
            if document["path_with_namespace"] == path {
                return Ok(Creation::Created(path.to_owned()));
            }
            response.protocol_error("the response does not name the project")
        }
        Err(error) => error,
    };
    // A name that is taken and an invalid name both have status 400 and differ only in the message.
    let may_exist = [Some(StatusCode::BAD_REQUEST), Some(StatusCode::CONFLICT)];
    if may_exist.contains(&error.status()) && project_exists(api, path).await? {
        return Ok(Creation::Existing);
    }
    Err(error.into())
}

async fn project_exists(api: &VendorHost, path: &str) -> Result<bool, Error> {
    let target = target(api, "projects/") + &gitlab_id(path);
    let response = api.get(&target, &[200, 404]).await?;
    Ok(response.status == StatusCode::OK)
}

/// Returns the target of a request below `/api/v4/`.
fn target(api: &VendorHost, path: &str) -> String {
    let root = match &api.operation.api {
        OperationApi::GitLab { root } => root.trim_start_matches('/'),
        OperationApi::Deletion(deletion) => deletion.root.trim_start_matches('/'),
        _ => "",
    };
    let slash = if root.is_empty() { "" } else { "/" };
    format!("{root}{slash}api/v4/{path}")
}

/// Source: GitLab, "Roles and permissions" and "Container registry API". A rule for protected tags may require
/// a higher role.
pub(super) const DELETION_RIGHT: &str =
    "the role Maintainer in the project, and a token with the scope api";

/// Deletes the tag of the operation. The project is the longest path that is one.
///
/// Source: GitLab, "Container registry API": "List registry repositories" and "Delete a registry repository
/// tag".
pub(super) async fn delete_tag(api: &VendorHost) -> Result<(), DeletionError> {
    let repository = &api.operation.repository;
    for project in gitlab_prefixes(repository) {
        if !project_exists(api, project).await? {
            continue;
        }
        let repositories = format!("projects/{}/registry/repositories", gitlab_id(project));
        if let Some(id) = registry_id(api, &repositories).await? {
            let tag = api.operation.deleted_text();
            let path = target(api, &format!("{repositories}/{id}/tags/{tag}"));
            return Ok(api.delete_once(&path).await?);
        }
        break;
    }
    Err(DeletionError::Refused {
        api: DeletionApi::GitLab,
        what: format!("the token finds no repository {repository} in its project"),
    })
}

/// Returns the ID of the operation's repository in the list of a project.
async fn registry_id(api: &VendorHost, repositories: &str) -> Result<Option<u64>, Error> {
    for page in 1..=MAX_REPOSITORY_PAGES {
        let query = format!("{repositories}?per_page=100&page={page}");
        let response = api.get(&target(api, &query), &[200]).await?;
        let listed: Vec<Value> = serde_json::from_slice(response.body())
            .map_err(|_| response.protocol_error("the response is not a list of repositories"))?;
        let name = api.operation.repository.as_str();
        let found = listed.iter().find(|listed| listed["path"] == name);
        if found.is_some() || listed.len() < 100 {
            return Ok(found.and_then(|found| found["id"].as_u64()));
        }
    }
    Ok(None)
}
