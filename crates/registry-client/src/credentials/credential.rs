//! Credentials and the secrets in them.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// A credential for a registry or its token server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password (RFC 7617), for the registry or its token server.
    Basic {
        /// The user; empty with some token services.
        username: String,
        /// The password, or the access token in its place.
        password: Secret,
    },
    /// An OAuth2 refresh token for the token server: `identitytoken` of an auth file, or the
    /// secret of a helper's user `<token>`.
    IdentityToken(Secret),
    /// A bearer token for the registry: `registrytoken` of an auth file.
    RegistryToken(Secret),
}

/// The user with which docker and its credential helpers mark a secret as an identity token.
pub(super) const TOKEN_USER: &str = "<token>";

impl Credential {
    /// Returns the user of a password.
    pub(crate) fn username(&self) -> Option<String> {
        match self {
            Self::Basic { username, .. } => Some(username.clone()),
            Self::IdentityToken(_) | Self::RegistryToken(_) => None,
        }
    }

    /// Creates a credential from a user and a secret as helpers return them, or `None` if both are
    /// empty.
    pub(super) fn from_pair(username: String, secret: Secret) -> Option<Self> {
        match (username.as_str(), secret.expose()) {
            ("", "") => None,
            (TOKEN_USER, _) => Some(Self::IdentityToken(secret)),
            _ => Some(Self::Basic {
                username,
                password: secret,
            }),
        }
    }
}

/// A password or token: no `Display`, no `Serialize`, a `Debug` without the content, and memory
/// that is overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Returns the content, to send or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
