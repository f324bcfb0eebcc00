//! How a token server behaves.

use std::collections::HashMap;
use std::time::Duration;

/// What those get who show no credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// 401.
    #[default]
    Refused,
    /// A token to pull, whatever else is asked for.
    Pull,
    /// What they ask for.
    Everything,
}

/// A token server that is yet to start. Users get what they ask for.
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
    /// A token server that knows nobody; its tokens live for 300 seconds and say so.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.insert(name.to_owned(), password.to_owned());
        self
    }

    /// What those get who show no credentials.
    #[must_use]
    pub fn anonymous(mut self, anonymous: Anonymous) -> Self {
        self.anonymous = anonymous;
        self
    }

    /// How long tokens live (in whole seconds), which `expires_in` says too.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self.announced = Some(lifetime);
        self
    }

    /// What `expires_in` says instead of the truth; `None` leaves it out. Call it after
    /// [`Self::lifetime`].
    #[must_use]
    pub fn announced(mut self, announced: Option<Duration>) -> Self {
        self.announced = announced;
        self
    }

    /// Waits this long before every answer, so that needs of the same token overlap.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}
