//! The authentication state of a host.

use std::sync::{Arc, Mutex};

use url::Url;

use super::token::TokenCache;
use crate::lock::lock;

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
        lock(&self.scheme).clone()
    }

    pub(crate) fn set_scheme(&self, scheme: Scheme) {
        *lock(&self.scheme) = scheme;
    }
}
