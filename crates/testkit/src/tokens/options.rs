//! The options of a token server.

use std::collections::HashMap;
use std::time::Duration;

/// The response to requests without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// 401.
    #[default]
    Refused,
    /// A token to pull, whatever the scope.
    Pull,
    /// A token for the requested scope.
    Everything,
}

/// The options of a token server that is not started. Users get a token for the requested scope.
#[derive(Clone, Debug)]
pub struct TokenServer {
    pub(super) users: HashMap<String, String>,
    pub(super) anonymous: Anonymous,
    pub(super) lifetime: Duration,
    pub(super) announced: Option<Duration>,
    pub(super) latency: Duration,
}

impl Default for TokenServer {
    fn default() -> Self {
        Self {
            users: HashMap::new(),
            anonymous: Anonymous::default(),
            lifetime: Duration::from_secs(300),
            announced: Some(Duration::from_secs(300)),
            latency: Duration::ZERO,
        }
    }
}

impl TokenServer {
    /// Creates options without users; tokens expire after 300 seconds, as announced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.insert(name.to_owned(), password.to_owned());
        self
    }

    /// Sets the response to requests without credentials.
    #[must_use]
    pub fn anonymous(mut self, anonymous: Anonymous) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// Sets the lifetime of tokens in whole seconds, and `expires_in` to the same.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self.announced = Some(lifetime);
        self
    }

    /// Sets `expires_in` to another value than the lifetime; `None` omits it. Call it after
    /// [`Self::lifetime`].
    #[must_use]
    pub fn announced(mut self, announced: Option<Duration>) -> Self {
        self.announced = announced;
        self
    }

    /// Delays every response, so that concurrent requests for one token overlap.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}
