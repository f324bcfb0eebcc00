//! What a registry is shown.

use super::secret::Secret;

/// What proves to a registry, or to its token server, who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user and a password (RFC 7617), for the registry or its token server.
    Basic {
        /// The user; empty with some token services.
        username: String,
        /// The password, or the token that stands for one.
        password: Secret,
    },
    /// An OAuth2 refresh token for the token server: `identitytoken` of an auth
    /// file, or a helper's answer with the user `<token>`.
    IdentityToken(Secret),
    /// A bearer token for the registry itself: `registrytoken` of an auth file.
    RegistryToken(Secret),
}

/// The user that stands for "the secret is an identity token" between docker
/// and its credential helpers.
pub(super) const TOKEN_USER: &str = "<token>";

impl Credential {
    /// A user and a secret as helpers give them; `None` where both are empty.
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
