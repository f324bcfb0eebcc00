//! Learns what a host wants and presents it.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use super::challenge::{self, Challenge};
use super::scope::Scopes;
use super::token::{Token, Tokens};
use crate::credentials::Credential;
use crate::error::Error;
use crate::transport::{Exchange, Host};

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
                })
            }
        }
    }

    /// Learns from a 401 and says whether asking again can help.
    ///
    /// # Errors
    ///
    /// [`Error::Unsafe`] where the realm would carry credentials over a weaker
    /// transport than the registry's own.
    pub(crate) fn learn(
        &self,
        host: &Host,
        scopes: &Scopes,
        presented: &Presented,
        answered_by: &Url,
        headers: &HeaderMap,
    ) -> Result<bool, Error> {
        let Some(challenge) = challenge::best(headers) else {
            return Ok(false);
        };
        let learnt = match challenge {
            Challenge::Basic => {
                if presented.header.is_some() {
                    return Ok(false);
                }
                Scheme::Basic
            }
            Challenge::Bearer { realm, service } => {
                if let Some(header) = &presented.header {
                    self.tokens.refused(scopes, header);
                }
                Scheme::Bearer {
                    realm: Arc::new(checked_realm(host, answered_by, &realm)?),
                    service: service.map(Into::into),
                }
            }
        };
        *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = learnt;
        Ok(true)
    }
}

async fn present_basic(host: &Host, scopes: &Scopes) -> Result<Presented, Error> {
    match host.credential(scopes.repository()).await? {
        Some(Credential::Basic { username, password }) => {
            let header = basic(&username, password.expose());
            Ok(Presented {
                authenticated: header.is_some(),
                header,
            })
        }
        _ => Ok(Presented::default()),
    }
}

fn basic(username: &str, password: &str) -> Option<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("{username}:{password}"));
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The realm as a URL that credentials may go to.
///
/// A registry reached over TLS may not send us to a realm without it; loopback
/// never leaves the machine.
fn checked_realm(host: &Host, answered_by: &Url, realm: &str) -> Result<Url, Error> {
    let refuse = |what: String| Error::Unsafe {
        host: host.name().to_owned(),
        what,
    };
    let url = answered_by
        .join(realm)
        .map_err(|error| refuse(format!("the registry's token realm is no URL ({error})")))?;
    let shown = crate::transport::redact::url(&url);
    let secure = match url.scheme() {
        "https" => true,
        "http" => answered_by.scheme() == "http",
        _ => {
            return Err(refuse(format!(
                "the registry's token realm {shown} is neither https nor http"
            )));
        }
    };
    if secure || host.is_loopback() {
        return Ok(url);
    }
    Err(refuse(format!(
        "the registry is reached over https but names the token realm {shown} without it: credentials are not sent there"
    )))
}

async fn fetch_token(
    host: Arc<Host>,
    realm: Arc<Url>,
    service: Option<Arc<str>>,
    scopes: Scopes,
) -> Result<Token, Error> {
    let credential = host.credential(scopes.repository()).await?;
    if let Some(Credential::RegistryToken(secret)) = &credential {
        // Nobody says how long it is good for; a refusal ends it.
        let token = Token::new(secret.expose(), true, Some(3600));
        return token.ok_or_else(|| Error::Unsafe {
            host: host.name().to_owned(),
            what: "the stored registry token cannot be sent in a header".to_owned(),
        });
    }
    let authenticated = credential.is_some();
    let exchange = match credential {
        Some(Credential::IdentityToken(secret)) => {
            refresh_exchange(&realm, service.as_deref(), &scopes, secret.expose())
        }
        Some(Credential::Basic { username, password }) => Exchange {
            authorization: basic(&username, password.expose()),
            ..scoped_exchange(&realm, service.as_deref(), &scopes)
        },
        _ => scoped_exchange(&realm, service.as_deref(), &scopes),
    };
    let (method, url) = (exchange.method.clone(), exchange.url.clone());
    let body = host.exchange(exchange, authenticated).await?;
    read_token(&body, authenticated)
        .ok_or_else(|| Error::protocol(&method, &url, "the token server's answer holds no token"))
}

/// The GET form of the token specification.
fn scoped_exchange(realm: &Url, service: Option<&str>, scopes: &Scopes) -> Exchange {
    let mut url = realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes.each() {
            query.append_pair("scope", scope);
        }
    }
    Exchange {
        method: Method::GET,
        url,
        authorization: None,
        form: None,
    }
}

/// The POST form with a refresh token (OAuth2).
fn refresh_exchange(realm: &Url, service: Option<&str>, scopes: &Scopes, secret: &str) -> Exchange {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("service", service.unwrap_or_default())
        .append_pair("scope", scopes.joined())
        .append_pair("client_id", "mirror")
        .append_pair("refresh_token", secret)
        .finish();
    Exchange {
        method: Method::POST,
        url: realm.clone(),
        authorization: None,
        form: Some(form),
    }
}

fn read_token(body: &[u8], authenticated: bool) -> Option<Token> {
    #[derive(serde::Deserialize)]
    struct Answer {
        token: Option<String>,
        access_token: Option<String>,
        expires_in: Option<u64>,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let token = answer
        .token
        .or(answer.access_token)
        .filter(|token| !token.is_empty())?;
    Token::new(&token, authenticated, answer.expires_in)
}
