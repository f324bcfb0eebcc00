//! Stored credentials for a host that hides a repository from anonymous clients.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::authentication::Refusal;
use super::host::Host;
use super::send::Request;
use crate::auth::{Authorization, Scheme, Scopes};
use crate::error::Error;
use crate::security::is_loopback;

impl Host {
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
        if self.in_process.is_some() || !is_anonymous() || self.auth.offered.initialized() {
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
