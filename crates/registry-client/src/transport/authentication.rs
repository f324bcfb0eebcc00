//! Authentication of requests.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use super::host::Host;
use super::send::Request;
use crate::auth::{Authorization, Challenge, Origin, Scheme, Scopes, checked_realm};
use crate::credentials::Credential;
use crate::error::Error;
use crate::security::is_loopback;

/// A response with status 401 and the request that it refuses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// The `Authorization` of the request.
    pub(crate) authorization: &'a Authorization,
    /// The start of the attempt that the request belongs to.
    pub(crate) since: Instant,
    /// The URL of the response, after redirects.
    pub(crate) url: &'a Url,
    /// The headers of the response.
    pub(crate) headers: &'a HeaderMap,
}

impl Host {
    /// Returns the `Authorization` of a request that needs these scopes.
    pub(super) async fn authorize(
        self: &Arc<Self>,
        scopes: &Scopes,
    ) -> Result<Authorization, Error> {
        match self.auth.scheme() {
            Scheme::Anonymous => Ok(Authorization::default()),
            Scheme::Basic => {
                let credential = self.credential(scopes.repository().as_str()).await?;
                Ok(Authorization::from_credential(credential))
            }
            Scheme::Bearer { realm, service } => {
                let host = Arc::clone(self);
                let fetch = || host.fetch_token(realm, service, scopes.clone());
                let token = self.auth.tokens.get(scopes, fetch).await?;
                Ok(Authorization::from_token(token))
            }
        }
    }

    /// Learns the scheme from a 401. Returns whether the request can succeed when it is sent again.
    ///
    /// A 401 from a host that the registry redirected to is ignored: only the registry may name
    /// the realm to which its credentials go.
    ///
    /// # Errors
    ///
    /// [`Error::Unsafe`] where the realm would receive credentials over a weaker transport than
    /// the registry's own; [`Error::Credentials`].
    pub(super) async fn learn(&self, scopes: &Scopes, refusal: Refusal<'_>) -> Result<bool, Error> {
        if !self.is_own_url(refusal.url) {
            return Ok(false);
        }
        let Some(challenge) = Challenge::from_headers(refusal.headers) else {
            return Ok(self.forget(scopes, refusal));
        };
        let Authorization { header, origin, .. } = refusal.authorization;
        let repository = scopes.repository().as_str();
        match challenge {
            Challenge::Basic => {
                self.auth.set_scheme(Scheme::Basic);
                let credential = match origin {
                    Origin::Basic(None) => None,
                    Origin::Basic(Some(refused)) => {
                        self.other_credential(repository, refused).await?
                    }
                    Origin::None | Origin::Token(_) => self.credential(repository).await?,
                };
                Ok(matches!(credential, Some(Credential::Basic { .. })))
            }
            Challenge::Bearer { realm, service } => {
                self.auth.set_scheme(Scheme::Bearer {
                    realm: Arc::new(checked_realm(self.name(), refusal.url, &realm)?),
                    service: service.map(Into::into),
                });
                match (origin, header) {
                    (Origin::Token(_), Some(_)) => Ok(self.forget(scopes, refusal)),
                    _ => Ok(true),
                }
            }
        }
    }

    /// Drops a refused `Authorization`, so that the request is sent with a new one. Returns false for
    /// a token that was obtained for this attempt: a new token would be refused as well.
    fn forget(&self, scopes: &Scopes, refusal: Refusal<'_>) -> bool {
        let Authorization { header, origin, .. } = refusal.authorization;
        match (origin, header) {
            (Origin::Token(obtained), Some(header)) if *obtained < refusal.since => {
                self.auth.tokens.remove(scopes, header);
                true
            }
            // Offered without a challenge to a host that serves other requests without credentials.
            (Origin::Basic(Some(_)), Some(_)) if self.auth.offered.initialized() => {
                self.auth.set_scheme(Scheme::Anonymous);
                true
            }
            _ => false,
        }
    }

    /// Offers the stored credentials to a host that has refused an anonymous request without a
    /// challenge, or has hidden the repository (404), as Artifactory, Nexus and GitLab do. `/v2/` is
    /// asked first for the scheme, once; without a challenge there, the scheme is Basic, except over plain
    /// HTTP. Returns
    /// whether the request can be sent again, with credentials.
    ///
    /// # Errors
    ///
    /// [`Error::Unsafe`] for a realm to which no credentials may go.
    pub(super) async fn offer_credentials(
        self: &Arc<Self>,
        request: &Request,
        scopes: &Scopes,
    ) -> Result<bool, Error> {
        let is_anonymous = || matches!(self.auth.scheme(), Scheme::Anonymous);
        if !is_anonymous() || self.auth.offered.initialized() {
            return Ok(false);
        }
        match self.credential(scopes.repository().as_str()).await {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(false),
            Err(error) => {
                // The response without credentials stands; a host is reported once.
                tracing::warn!(%error, "requests stay anonymous");
                self.auth.offered.set(()).ok();
                return Ok(false);
            }
        }
        let ping = || self.ping(request, scopes);
        match self.auth.offered.get_or_try_init(ping).await {
            Ok(()) => Ok(!is_anonymous()),
            Err(error @ Error::Unsafe { .. }) => Err(error),
            // The response without credentials stands.
            Err(_) => Ok(false),
        }
    }

    async fn ping(&self, request: &Request, scopes: &Scopes) -> Result<(), Error> {
        let ping = Request {
            method: Method::GET,
            url: self.api_root()?,
            headers: HeaderMap::new(),
            payload: Bytes::new(),
            ..request.clone()
        };
        let anonymous = Authorization::default();
        let response = self.send_with_redirects(&ping, &anonymous).await?;
        let refusal = Refusal {
            authorization: &anonymous,
            since: Instant::now(),
            url: response.url(),
            headers: response.headers(),
        };
        self.learn(scopes, refusal).await?;
        let url = response.url();
        let is_secure = url.scheme() == "https" || url.host_str().is_some_and(is_loopback);
        if matches!(self.auth.scheme(), Scheme::Anonymous) && is_secure && self.is_own_url(url) {
            self.auth.set_scheme(Scheme::Basic);
        }
        Ok(())
    }
}
