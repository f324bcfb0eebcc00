//! The token server: where it may be, and what it is asked.
//!
//! Sources: distribution's "Token Authentication Specification" and "OAuth2
//! Token Authentication".

use std::sync::Arc;

use http::Method;
use url::Url;

use super::authenticator::basic;
use super::scope::Scopes;
use super::token::Token;
use crate::credentials::Credential;
use crate::error::Error;
use crate::transport::{Exchange, Host, is_loopback};

/// The realm as a URL that credentials may go to.
///
/// A registry reached over TLS may not send us to a realm without it; loopback
/// never leaves the machine.
pub(super) fn checked_realm(host: &str, answered_by: &Url, realm: &str) -> Result<Url, Error> {
    let refuse = |what: String| Error::Unsafe {
        host: host.to_owned(),
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
    if secure || url.host_str().is_some_and(is_loopback) {
        return Ok(url);
    }
    Err(refuse(format!(
        "the registry is reached over https but names the token realm {shown} without it: credentials are not sent there"
    )))
}

/// A token for these scopes. Where the stored credential is refused, its
/// helper is asked once for a newer one.
pub(super) async fn fetch_token(
    host: Arc<Host>,
    realm: Arc<Url>,
    service: Option<Arc<str>>,
    scopes: Scopes,
) -> Result<Token, Error> {
    let repository = scopes.repository().as_str();
    let credential = host.credential(repository).await?;
    let ask = async |credential: &Option<Credential>| {
        ask_realm(
            &host,
            &realm,
            service.as_deref(),
            &scopes,
            credential.as_ref(),
        )
        .await
    };
    let refused = match (ask(&credential).await, credential) {
        (Err(error), Some(credential)) if error.is_refused() => (error, credential),
        (other, _) => return other,
    };
    match host.other_credential(repository, &refused.1).await? {
        Some(renewed) => ask(&Some(renewed)).await,
        None => Err(refused.0),
    }
}

async fn ask_realm(
    host: &Host,
    realm: &Url,
    service: Option<&str>,
    scopes: &Scopes,
    credential: Option<&Credential>,
) -> Result<Token, Error> {
    let exchange = match credential {
        Some(Credential::RegistryToken(secret)) => {
            // Nobody says how long it is good for; a refusal ends it.
            let token = Token::new(secret.expose(), true, Some(3600));
            return token.ok_or_else(|| Error::Unsafe {
                host: host.name().to_owned(),
                what: "the stored registry token cannot be sent in a header".to_owned(),
            });
        }
        Some(Credential::IdentityToken(secret)) => {
            refresh_exchange(host, realm, service, scopes, secret.expose())
        }
        Some(Credential::Basic { username, password }) => Exchange {
            authorization: basic(username, password.expose()),
            ..scoped_exchange(realm, service, scopes)
        },
        None => scoped_exchange(realm, service, scopes),
    };
    let authenticated = credential.is_some();
    let body = host.exchange(&exchange, authenticated).await?;
    read_token(&body, authenticated).ok_or_else(|| {
        let what = "the token server's answer holds no token";
        Error::protocol(&exchange.method, &exchange.url, what)
    })
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
fn refresh_exchange(
    host: &Host,
    realm: &Url,
    service: Option<&str>,
    scopes: &Scopes,
    secret: &str,
) -> Exchange {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("service", service.unwrap_or_default())
        .append_pair("scope", scopes.joined())
        .append_pair("client_id", &host.shared.oauth_client_id)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_no_realm_that_is_less_secure_than_the_registry() {
        let cases = [
            ("https://r.io/v2/a/", "https://auth.io/token", true),
            ("https://r.io/v2/a/", "/token", true),
            ("https://r.io/v2/a/", "http://auth.io/token", false),
            (
                "https://127.0.0.1:5000/v2/a/",
                "http://auth.io/token",
                false,
            ),
            (
                "https://127.0.0.1:5000/v2/a/",
                "http://127.0.0.1:6000/t",
                true,
            ),
            ("http://r.io/v2/a/", "http://auth.io/token", true),
            ("http://r.io/v2/a/", "ftp://auth.io/token", false),
            ("https://r.io/v2/a/", "http://[", false),
        ];
        for (registry, realm, expected) in cases {
            let checked = checked_realm("r.io", &registry.parse().unwrap(), realm);
            assert_eq!(checked.is_ok(), expected, "{registry} {realm}: {checked:?}");
        }
    }
}
