//! The options of the client.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use registry_client::record_sent_secret;
use url::Url;

/// The API of github.com.
const PUBLIC_API: &str = "https://api.github.com";

/// The options of a [`Github`](super::Github) client.
#[derive(Debug, Clone)]
pub struct GithubOptions {
    /// The URL of the REST API: `https://api.github.com`, or `https://HOST/api/v3` for GitHub Enterprise.
    pub api: ApiUrl,
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
            api: ApiUrl::default(),
            token: None,
            timeout: Duration::from_secs(300),
            backoff: Duration::from_millis(500),
        }
    }
}

/// The URL of a REST API, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(String);

/// The reason why a text is not the URL of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiUrlError {
    /// The URL has no scheme.
    #[error("the URL has no scheme")]
    NoScheme,
    /// The scheme is neither `https` nor `http`.
    #[error("the URL has the scheme `{0}`, not `https`")]
    Scheme(String),
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// The URL has a query or a fragment.
    #[error("the URL has a query or a fragment")]
    Query,
    /// The text is not a URL.
    #[error("{0}")]
    Url(String),
}

impl ApiUrl {
    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ApiUrl {
    fn default() -> Self {
        Self(PUBLIC_API.to_owned())
    }
}

impl FromStr for ApiUrl {
    type Err = ApiUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(ApiUrlError::NoScheme)?;
        if !matches!(scheme, "https" | "http") {
            return Err(ApiUrlError::Scheme(scheme.escape_debug().to_string()));
        }
        // The URL standard skips further slashes and takes the next component as the host.
        if rest.is_empty() || rest.starts_with('/') {
            return Err(ApiUrlError::NoHost);
        }
        let url = Url::parse(text).map_err(|error| ApiUrlError::Url(error.to_string()))?;
        if url.query().or(url.fragment()).is_some() {
            return Err(ApiUrlError::Query);
        }
        // The HTTP client has its own grammar, which allows less.
        let text = text.trim_end_matches('/').to_owned();
        let uri = text.parse::<http::Uri>();
        uri.map_err(|error| ApiUrlError::Url(error.to_string()))?;
        Ok(Self(text))
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token: visible ASCII characters. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The reason why a text is not a token. It does not hold the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is blank.
    #[error("the token is empty")]
    Empty,
    /// The text has several lines.
    #[error("the token has a line break")]
    LineBreak,
    /// The text has a space.
    #[error("the token has a space")]
    Space,
    /// The text has a control character, or one outside ASCII.
    #[error("the token has a character that is not visible ASCII")]
    Character,
}

impl Token {
    /// Parses a token. Whitespace around it is removed.
    ///
    /// # Errors
    ///
    /// [`TokenError`] for text that cannot be sent in a header.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        record_sent_secret(text);
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if text.contains(['\n', '\r']) {
            return Err(TokenError::LineBreak);
        }
        if text.contains(' ') {
            return Err(TokenError::Space);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Character);
        }
        Ok(Self(text.to_owned()))
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
