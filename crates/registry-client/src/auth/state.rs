//! The authentication state of a host.

use std::sync::{Arc, Mutex, PoisonError};

use url::Url;

use super::token::TokenCache;

/// The authentication scheme and the tokens of one host.
#[derive(Debug)]
pub(crate) struct AuthState {
    scheme: Mutex<Scheme>,
    pub(crate) tokens: TokenCache,
}

/// The authentication scheme that a host wants.
#[derive(Debug, Clone)]
pub(crate) enum Scheme {
    /// The host has sent no challenge.
    Anonymous,
    Basic,
    Bearer {
        realm: Arc<Url>,
        service: Option<Arc<str>>,
    },
}

impl AuthState {
    pub(crate) fn new() -> Self {
        Self {
            scheme: Mutex::new(Scheme::Anonymous),
            tokens: TokenCache::default(),
        }
    }

    pub(crate) fn scheme(&self) -> Scheme {
        let scheme = self.scheme.lock();
        scheme.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_scheme(&self, scheme: Scheme) {
        *self.scheme.lock().unwrap_or_else(PoisonError::into_inner) = scheme;
    }
}
