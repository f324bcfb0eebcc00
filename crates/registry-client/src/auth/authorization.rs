//! The `Authorization` header of a request.

use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;

use super::token::Token;
use crate::credentials::Credential;
use crate::sent_secrets::record_sent_secret;

/// The `Authorization` of a request and its origin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Authorization {
    /// The value of the header, `None` for an anonymous request.
    pub(crate) header: Option<HeaderValue>,
    /// True for a header from stored credentials.
    pub(crate) authenticated: bool,
    pub(crate) origin: Origin,
}

/// The origin of an `Authorization`.
#[derive(Debug, Clone, Default)]
pub(crate) enum Origin {
    /// The host has not requested authentication.
    #[default]
    None,
    /// The host wants Basic; the stored credential, if there is one.
    Basic(Option<Credential>),
    /// A bearer token and the time at which it was obtained.
    Token(Instant),
}

impl Authorization {
    /// Creates the `Authorization` for a host that wants Basic.
    pub(crate) fn from_credential(credential: Option<Credential>) -> Self {
        let header = match &credential {
            Some(Credential::Basic { username, password }) => basic(username, password.expose()),
            _ => None,
        };
        Self {
            authenticated: header.is_some(),
            header,
            origin: Origin::Basic(credential),
        }
    }

    /// Creates the `Authorization` for a host that wants a bearer token.
    pub(crate) fn from_token(token: Token) -> Self {
        Self {
            header: Some(token.header),
            authenticated: token.authenticated,
            origin: Origin::Token(token.obtained),
        }
    }
}

/// Returns the header value for a user and a password (RFC 7617).
pub(crate) fn basic(username: &str, password: &str) -> Option<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("{username}:{password}"));
    record_sent_secret(password);
    record_sent_secret(&encoded);
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}
