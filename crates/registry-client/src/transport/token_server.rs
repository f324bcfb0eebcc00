//! Token requests on the wire.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use url::Url;

use super::body_progress::BodyProgress;
use super::host::Host;
use super::resolver::addresses;
use super::retry_after::retry_after;
use super::retry_policy::Retries;
use crate::auth::{Scopes, Token, TokenRequest, TokenServer, check_realm_addresses};
use crate::credentials::Credential;
use crate::error::{Error, StatusError};
use crate::redact;

/// The largest response in bytes. Tokens of enterprises with many groups have tens of KiB.
const MAX_RESPONSE: u64 = 1024 * 1024;

/// The assumed lifetime of a stored registry token. A refusal ends it earlier.
const REGISTRY_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

impl Host {
    /// Fetches a token for these scopes. Where the token server refuses the stored credential,
    /// its helper is run once more for a newer one.
    pub(super) async fn fetch_token(
        self: Arc<Self>,
        realm: Arc<Url>,
        service: Option<Arc<str>>,
        scopes: Scopes,
    ) -> Result<Token, Error> {
        self.check_realm(&realm).await?;
        let repository = scopes.repository().as_str();
        let stored = self.credential(repository).await?;
        let fetch = async |credential: &Option<Credential>| {
            if let Some(Credential::RegistryToken(secret)) = credential {
                let token = Token::new(secret.expose(), true, REGISTRY_TOKEN_LIFETIME);
                return token.ok_or_else(|| Error::Unsafe {
                    host: self.name().to_owned(),
                    what: "the stored registry token cannot be sent in a header".to_owned(),
                });
            }
            let server = TokenServer {
                realm: &realm,
                service: service.as_deref(),
                client_id: &self.shared.oauth_client_id,
            };
            let request = TokenRequest::new(&server, Some(&scopes), credential.as_ref());
            let body = self.send_token_request(&request).await?;
            let token = Token::from_response(&body, request.authenticated);
            token.map_err(|what| Error::protocol(&request.method, &request.url, what))
        };
        let (error, refused) = match (fetch(&stored).await, stored) {
            (Err(error), Some(stored)) if error.is_refused() => (error, stored),
            (outcome, _) => return outcome,
        };
        match self.other_credential(repository, &refused).await? {
            Some(renewed) => fetch(&Some(renewed)).await,
            None => Err(error),
        }
    }

    /// Checks the addresses of a realm without TLS.
    pub(super) async fn check_realm(&self, realm: &Url) -> Result<(), Error> {
        let home = self.api_root()?;
        if realm.scheme() != "http" || realm.host() == home.host() {
            return Ok(());
        }
        let patience = self.timeouts().connect;
        let [of_realm, of_registry] = [realm, &home].map(|url| addresses(url, patience));
        let (of_realm, of_registry) = (of_realm.await, of_registry.await);
        check_realm_addresses(self.name(), realm, &of_realm, &of_registry)
    }

    /// Sends a token request, with retries. Redirects are not followed, since the credentials are
    /// for the realm that the registry named.
    ///
    /// The host's limit does not apply: requests that wait for this token hold its permits.
    pub(super) async fn send_token_request(&self, request: &TokenRequest) -> Result<Bytes, Error> {
        let peer = &self.token_server;
        let realm = request.url.host_str().unwrap_or_default();
        let max_wait = self.retry_policy().max_wait;
        let named = |error: Error| error.of_token_server(self.name(), &request.url);
        let mut retries = Retries::new(self.retry_policy());
        loop {
            peer.limit.wait_out_pause(realm, max_wait).await?;
            peer.breaker.admit().await.map_err(named)?;
            let started = Instant::now();
            let error = match self.attempt_token_request(request).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            self.clients.record_failure(&error);
            let retried = peer.retry(&mut retries, error, started.elapsed()).await;
            retried.map_err(named)?;
        }
    }

    async fn attempt_token_request(&self, request: &TokenRequest) -> Result<Bytes, Error> {
        let TokenRequest { method, url, .. } = request;
        let mut builder = self.clients.api().request(method.clone(), url.clone());
        if let Some(value) = &request.authorization {
            builder = builder.header(AUTHORIZATION, value.clone());
        }
        if let Some(form) = &request.form {
            builder = builder
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        let body_progress = BodyProgress::new(0, self.timeouts());
        let sent = self.dispatch(builder, method, url, &body_progress);
        let response = sent.await?;
        self.token_server.breaker.record_response();
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let response = response.read(MAX_RESPONSE).await?;
        if response.status.is_success() {
            return Ok(response.body);
        }
        let mut error = StatusError {
            method: method.clone(),
            url: redact::url(url),
            status: response.status,
            codes: Vec::new(),
            text: String::new(),
            authenticated: request.authenticated,
            retry_after,
            redirected: false,
        };
        error.read_body(&response.body);
        Err(Error::Status(Arc::new(error)))
    }
}
