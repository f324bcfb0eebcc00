//! The options of the client.

use std::fmt;
use std::time::Duration;

use registry_client::record_sent_secret;

/// The API of github.com.
const PUBLIC_API: &str = "https://api.github.com";

/// The options of a [`Github`](super::Github) client.
#[derive(Debug, Clone)]
pub struct GithubOptions {
    /// The URL of the REST API: `https://api.github.com`, or `https://HOST/api/v3` for GitHub Enterprise.
    pub api: String,
    /// The token. Without one, GitHub allows 60 requests per hour and no private repositories.
    pub token: Option<Token>,
    /// Maximum duration of one request, waits and retries included, unless
    /// [`Github::until`](super::Github::until) sets a deadline.
    pub timeout: Duration,
    /// The wait before the first retry. It doubles with each retry.
    pub backoff: Duration,
}

impl Default for GithubOptions {
    fn default() -> Self {
        Self {
            api: PUBLIC_API.to_owned(),
            token: None,
            timeout: Duration::from_secs(300),
            backoff: Duration::from_millis(500),
        }
    }
}

/// A token. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Creates a token. Returns `None` for blank text, which CI systems set for missing secrets.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        record_sent_secret(text);
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
