//! Learns what a host wants and presents it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::challenge::{self, Challenge};
use super::realm::{checked_realm, fetch_token};
use super::scope::Scopes;
use super::token::Tokens;
use crate::credentials::Credential;
use crate::error::Error;
use crate::transport::Host;

/// The authentication state of one host.
#[derive(Debug)]
pub(crate) struct Authenticator {
    scheme: Mutex<Scheme>,
    tokens: Tokens,
}

#[derive(Debug, Clone)]
enum Scheme {
    /// Nothing was asked for so far.
    Open,
    Basic,
    Bearer {
        realm: Arc<Url>,
        service: Option<Arc<str>>,
    },
}

/// What a request carried.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presented {
    /// The value of `Authorization`.
    pub(crate) header: Option<HeaderValue>,
    /// Whether stored credentials stand behind it.
    pub(crate) authenticated: bool,
    proof: Proof,
}

/// What the value of `Authorization` was made of.
#[derive(Debug, Clone, Default)]
enum Proof {
    /// There was none.
    #[default]
    Nothing,
    /// The host wants Basic; the credential, where there is one.
    Basic(Option<Credential>),
    /// A token of this age.
    Token(Instant),
}

/// A 401 and the request that got it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// What the request carried.
    pub(crate) presented: &'a Presented,
    /// When the try began that the request belongs to.
    pub(crate) since: Instant,
    /// Where the 401 came from, redirects followed.
    pub(crate) url: &'a Url,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
}

impl Authenticator {
    pub(crate) fn new() -> Self {
        Self {
            scheme: Mutex::new(Scheme::Open),
            tokens: Tokens::default(),
        }
    }

    fn scheme(&self) -> Scheme {
        self.scheme
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What to send with a request for these scopes.
    pub(crate) async fn present(
        &self,
        host: &Arc<Host>,
        scopes: &Scopes,
    ) -> Result<Presented, Error> {
        match self.scheme() {
            Scheme::Open => Ok(Presented::default()),
            Scheme::Basic => present_basic(host, scopes).await,
            Scheme::Bearer { realm, service } => {
                let fetch = || fetch_token(Arc::clone(host), realm, service, scopes.clone());
                let token = self.tokens.get(scopes, fetch).await?;
                Ok(Presented {
                    header: Some(token.header),
                    authenticated: token.authenticated,
                    proof: Proof::Token(token.obtained),
                })
            }
        }
    }

    /// Learns from a 401 and says whether asking again can help.
    ///
    /// Only the host itself may say where its credentials go: a 401 from where
    /// it redirected to says nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Unsafe`] where the realm would carry credentials over a weaker
    /// transport than the registry's own; [`Error::Credentials`].
    pub(crate) async fn learn(
        &self,
        host: &Host,
        scopes: &Scopes,
        refusal: Refusal<'_>,
    ) -> Result<bool, Error> {
        let challenge = challenge::best(refusal.headers).filter(|_| host.is_home(refusal.url));
        let Some(challenge) = challenge else {
            return Ok(false);
        };
        match challenge {
            Challenge::Basic => {
                self.set_scheme(Scheme::Basic);
                let credential = match &refusal.presented.proof {
                    Proof::Basic(None) => None,
                    Proof::Basic(Some(refused)) => {
                        host.other_credential(scopes.repository().as_str(), refused)
                            .await?
                    }
                    Proof::Nothing | Proof::Token(_) => {
                        host.credential(scopes.repository().as_str()).await?
                    }
                };
                Ok(matches!(credential, Some(Credential::Basic { .. })))
            }
            Challenge::Bearer { realm, service } => {
                self.set_scheme(Scheme::Bearer {
                    realm: Arc::new(checked_realm(host.name(), refusal.url, &realm)?),
                    service: service.map(Into::into),
                });
                match (&refusal.presented.proof, &refusal.presented.header) {
                    // Got for this very try: another would say the same.
                    (Proof::Token(obtained), _) if *obtained >= refusal.since => return Ok(false),
                    (Proof::Token(_), Some(header)) => self.tokens.refused(scopes, header),
                    _ => {}
                }
                Ok(true)
            }
        }
    }

    fn set_scheme(&self, scheme: Scheme) {
        *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = scheme;
    }
}

async fn present_basic(host: &Host, scopes: &Scopes) -> Result<Presented, Error> {
    let credential = host.credential(scopes.repository().as_str()).await?;
    let header = match &credential {
        Some(Credential::Basic { username, password }) => basic(username, password.expose()),
        _ => None,
    };
    Ok(Presented {
        authenticated: header.is_some(),
        header,
        proof: Proof::Basic(credential),
    })
}

pub(super) fn basic(username: &str, password: &str) -> Option<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("{username}:{password}"));
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
