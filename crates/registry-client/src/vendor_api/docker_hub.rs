//! The description of a repository of Docker Hub.
//!
//! Source: Docker Hub API reference, "Create access token" and "Get repository in a namespace". The
//! request that changes the description is not in the reference; docker/hub-feedback#2321 names it.

use http::Method;
use serde_json::{Value, json};

use super::deletion::{DeletionApi, DeletionError, DeletionLogin};
use super::vendor_cache::VendorCache;
use super::vendor_host::{JsonBody, VendorHost, text_at};
use crate::credentials::Secret;
use crate::error::Error;
use crate::sent_secrets::record_sent_secret;
use crate::vendor_operation::VendorAuthorization;

/// The maximum length of a description at Docker Hub, in characters.
pub const MAX_DESCRIPTION: usize = 100;

/// Sets the description of a repository, if it differs. Returns true if it differed.
pub(crate) async fn describe(
    api: &VendorHost,
    cache: &VendorCache,
    (username, password): (&str, &Secret),
    text: &str,
) -> Result<bool, Error> {
    let key = (api.host.name().to_owned(), username.to_owned());
    let login = || login(api, username, password);
    let token = cache.hub_tokens.get_or_try_init(key, login).await?;
    let api = api.with(VendorAuthorization::Bearer(token));
    let repository = api.operation.repository.as_str();
    let (namespace, name) = repository
        .split_once('/')
        .unwrap_or(("library", repository));
    let target = format!("v2/namespaces/{namespace}/repositories/{name}");
    let response = api.get(&target, &[200]).await?;
    let current: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if current["description"] == text {
        return Ok(false);
    }
    let document = json!({"description": text});
    // Without the last slash, Docker Hub redirects the request.
    let target = format!("v2/repositories/{repository}/");
    let body = JsonBody::new(&document);
    let response = api.send(Method::PATCH, &target, body, &[200]).await?;
    if text_at(&response, "/description")? == text {
        return Ok(true);
    }
    Err(response.protocol_error("the description is unchanged"))
}

/// Returns a token of the API. It is valid for minutes, so a run uses one token for all descriptions.
async fn login(api: &VendorHost, username: &str, password: &Secret) -> Result<Secret, Error> {
    record_sent_secret(password.expose());
    let document = json!({"identifier": username, "secret": password.expose()});
    let body = JsonBody::new(&document);
    let response = api
        .send(Method::POST, "v2/auth/token", body, &[200])
        .await?;
    text_at(&response, "/access_token").map(Secret::from)
}

/// Source: Docker Hub, "Personal access tokens".
pub(super) const DELETION_RIGHT: &str =
    "an access token with the permission Read, Write, Delete as the password";

/// Deletes the tag of the operation.
///
/// Source: the request is not in the API reference; Docker's own `hub-tool` sends it.
pub(super) async fn delete_tag(
    api: &VendorHost,
    credentials: &DeletionLogin<'_>,
) -> Result<(), DeletionError> {
    let Some((username, password)) = &credentials.password else {
        return Err(DeletionError::NoCredentials {
            api: DeletionApi::DockerHub,
            host: api.operation.registry.clone(),
        });
    };
    let key = (api.host.name().to_owned(), username.clone());
    let login = || login(api, username, password);
    let tokens = &credentials.cache.hub_tokens;
    let token = tokens.get_or_try_init(key, login).await?;
    let api = api.with(VendorAuthorization::Bearer(token));
    let (name, tag) = (&api.operation.repository, api.operation.deleted_text());
    let target = format!("v2/repositories/{name}/tags/{tag}/");
    Ok(api.delete_once(&target).await?)
}
