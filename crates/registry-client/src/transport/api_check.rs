//! The check of a registry's API and of the stored credentials, as `docker login` does it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::body_progress::BodyProgress;
use super::host::Host;
use super::response::BufferedResponse;
use super::send::{ERROR_BODY, Request};
use crate::api_check::{ApiCheck, ApiScheme, CredentialCheck};
use crate::auth::{Challenge, Token, TokenRequest, TokenServer, basic, checked_realm};
use crate::credentials::Credential;
use crate::document_memory::BodyMemory;
use crate::error::Error;
use crate::write_policy::ReadOnly;

/// The header in which distribution and its descendants name the version of their API.
const VERSION_HEADER: &str = "docker-distribution-api-version";

impl Host {
    /// Requests `/v2/` without credentials and, if the registry requests them, with those that are stored
    /// for a repository, or for the whole host if it is empty.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; one with [`Error::is_refused`] if the registry or its token server refuses the
    /// credentials.
    pub(crate) async fn check_api(self: &Arc<Self>, repository: &str) -> Result<ApiCheck, Error> {
        let response = self.send(&self.api_request()?).await?;
        let status = response.status;
        let challenge = Challenge::from_headers(&response.headers);
        let challenge = challenge.filter(|_| status == StatusCode::UNAUTHORIZED);
        let check = |scheme, credentials| ApiCheck {
            url: response.url.clone(),
            status,
            scheme,
            credentials,
        };
        let Some(challenge) = challenge else {
            if status.is_success() {
                check_api_body(&response)?;
                return Ok(check(None, CredentialCheck::NotRequested));
            }
            return Err(response.status_error());
        };
        let scheme = Some(ApiScheme::from(&challenge));
        let Some(credential) = self.credential(repository).await? else {
            return Ok(check(scheme, CredentialCheck::Missing));
        };
        let header = self.header_for(&challenge, &credential, &response).await?;
        let Some(header) = header else {
            return Ok(check(scheme, CredentialCheck::Unsuitable));
        };
        let confirmed = self.send_header(header).await?;
        if confirmed.status.is_success() {
            check_api_body(&confirmed)?;
            return Ok(check(scheme, CredentialCheck::Accepted));
        }
        Err(confirmed.authenticated_error())
    }

    fn api_request(&self) -> Result<Request, Error> {
        Ok(Request {
            method: Method::GET,
            url: self.api_root()?,
            headers: HeaderMap::new(),
            payload: Bytes::new(),
            is_blob: false,
            scopes: None,
            vendor: None,
            is_session: false,
            writes: Arc::new(ReadOnly),
            accepted: &[200, 401, 403, 404],
            limit: ERROR_BODY,
            body: BodyMemory::Document,
        })
    }

    /// Returns the `Authorization` for a challenge, or `None` if the credential is of another kind.
    async fn header_for(
        &self,
        challenge: &Challenge,
        credential: &Credential,
        response: &BufferedResponse,
    ) -> Result<Option<HeaderValue>, Error> {
        match (challenge, credential) {
            (Challenge::Basic, Credential::Basic { username, password }) => {
                Ok(basic(username, password.expose()))
            }
            (Challenge::Basic, _) => Ok(None),
            (Challenge::Bearer { .. }, Credential::RegistryToken(_)) => Ok(None),
            (Challenge::Bearer { realm, service }, credential) => {
                let realm = checked_realm(self.name(), &response.url, realm)?;
                self.check_realm(&realm).await?;
                let server = TokenServer {
                    realm: &realm,
                    service: service.as_deref(),
                    client_id: &self.shared.oauth_client_id,
                };
                let request = TokenRequest::new(&server, None, Some(credential));
                let body = self.send_token_request(&request).await?;
                let token = Token::from_response(&body, true);
                let token =
                    token.map_err(|what| Error::protocol(&request.method, &request.url, what))?;
                Ok(Some(token.header))
            }
        }
    }

    /// Requests `/v2/` with an `Authorization`, and follows no redirect.
    async fn send_header(&self, header: HeaderValue) -> Result<BufferedResponse, Error> {
        let (method, url) = (Method::GET, self.api_root()?);
        let request = self.clients.api().request(method.clone(), url.clone());
        let request = request.header(AUTHORIZATION, header);
        let progress = BodyProgress::new(0, self.timeouts());
        let response = self.dispatch(request, &method, &url, &progress).await?;
        response.read(ERROR_BODY).await
    }
}

/// Checks that a successful response to `/v2/` is that of a registry and not of a web site: it has
/// distribution's version header, no body, or JSON.
///
/// Source: distribution specification, "Determining Support"; the body is not specified.
fn check_api_body(response: &BufferedResponse) -> Result<(), Error> {
    let body = response.body.trim_ascii();
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if response.headers.contains_key(VERSION_HEADER) || body.is_empty() || is_json() {
        return Ok(());
    }
    let content_type = response.headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let what = format!(
        "the response is not that of a registry: it has the content type {}",
        content_type.unwrap_or("unknown")
    );
    Err(Error::protocol(&response.method, &response.url, what))
}
