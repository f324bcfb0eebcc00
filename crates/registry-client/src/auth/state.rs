//! The authentication state of a host.

use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;
use url::Url;

use super::token::TokenCache;
use crate::lock::lock;

/// The authentication scheme and the tokens of one host.
#[derive(Debug)]
pub(crate) struct AuthState {
    scheme: Mutex<Scheme>,
    pub(crate) tokens: TokenCache,
    /// Set once `/v2/` has been asked for the scheme.
    pub(crate) offered: OnceCell<()>,
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
            offered: OnceCell::new(),
        }
    }

    pub(crate) fn scheme(&self) -> Scheme {
        lock(&self.scheme).clone()
    }

    pub(crate) fn set_scheme(&self, scheme: Scheme) {
        *lock(&self.scheme) = scheme;
    }
}
