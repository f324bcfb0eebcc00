//! Authentication of requests.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use url::Url;

use super::host::Host;
use crate::auth::{Authorization, Challenge, Origin, Scheme, Scopes, checked_realm};
use crate::credentials::Credential;
use crate::error::Error;

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
}
