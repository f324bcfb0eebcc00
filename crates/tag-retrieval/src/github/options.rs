//! How GitHub is reached.

use std::fmt;
use std::time::Duration;

/// The API that is asked where nobody says.
const PUBLIC_API: &str = "https://api.github.com";

/// How GitHub is reached.
#[derive(Debug, Clone)]
pub struct GithubOptions {
    /// Where the REST API is: `https://api.github.com`, or `https://HOST/api/v3` for an enterprise's.
    pub api: String,
    /// Without one GitHub answers 60 requests an hour, and shows no private repositories.
    pub token: Option<Token>,
    /// How long one request may take, waits for limits and further tries included, where no
    /// deadline was set with [`Github::until`](super::Github::until).
    pub patience: Duration,
    /// The pause before a failed request is tried again; it doubles.
    pub backoff: Duration,
}

impl Default for GithubOptions {
    fn default() -> Self {
        Self {
            api: PUBLIC_API.to_owned(),
            token: None,
            patience: Duration::from_secs(300),
            backoff: Duration::from_millis(500),
        }
    }
}

/// A token, shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token; `None` where the text is blank, as CI systems set what they have no value for.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
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
