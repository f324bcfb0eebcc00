//! Requests to a token server.
//!
//! Sources: distribution's "Token Authentication Specification" and "OAuth2 Token Authentication".

use http::{HeaderValue, Method};
use url::Url;

use super::authorization::basic;
use super::scope::Scopes;
use crate::credentials::Credential;
use crate::sent_secrets::record_sent_secret;

/// A request to a token server, with its own credentials.
#[derive(Debug)]
pub(crate) struct TokenRequest {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) authorization: Option<HeaderValue>,
    /// A form body (`application/x-www-form-urlencoded`).
    pub(crate) form: Option<String>,
    /// True for a request with a stored credential.
    pub(crate) authenticated: bool,
}

/// A token server and its parameters.
#[derive(Debug)]
pub(crate) struct TokenServer<'a> {
    pub(crate) realm: &'a Url,
    /// The `service` of the challenge.
    pub(crate) service: Option<&'a str>,
    /// The `client_id` of requests with an identity token.
    pub(crate) client_id: &'a str,
}

impl TokenRequest {
    /// Creates a request for a token: a POST for an identity token, else a GET. A registry token
    /// is not for the token server and is left out. Without scopes, the token shows only that the
    /// credential is valid.
    pub(crate) fn new(
        server: &TokenServer<'_>,
        scopes: Option<&Scopes>,
        credential: Option<&Credential>,
    ) -> Self {
        match credential {
            Some(Credential::IdentityToken(secret)) => {
                Self::refresh(server, scopes, secret.expose())
            }
            Some(Credential::Basic { username, password }) => Self {
                authorization: basic(username, password.expose()),
                authenticated: true,
                ..Self::anonymous(server, scopes)
            },
            Some(Credential::RegistryToken(_)) | None => Self::anonymous(server, scopes),
        }
    }

    /// The GET form of the token specification.
    fn anonymous(server: &TokenServer<'_>, scopes: Option<&Scopes>) -> Self {
        let mut url = server.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = server.service {
                query.append_pair("service", service);
            }
            for scope in scopes.into_iter().flat_map(Scopes::each) {
                query.append_pair("scope", scope);
            }
        }
        Self {
            method: Method::GET,
            url,
            authorization: None,
            form: None,
            authenticated: false,
        }
    }

    /// The POST form with a refresh token (OAuth2).
    fn refresh(server: &TokenServer<'_>, scopes: Option<&Scopes>, secret: &str) -> Self {
        record_sent_secret(secret);
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", server.service.unwrap_or_default())
            .append_pair("scope", scopes.map_or("", Scopes::joined))
            .append_pair("client_id", server.client_id)
            .append_pair("refresh_token", secret)
            .finish();
        Self {
            method: Method::POST,
            url: server.realm.clone(),
            authorization: None,
            form: Some(form),
            authenticated: true,
        }
    }
}
