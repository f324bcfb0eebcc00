//! The variables of version sources, pull requests and vendors' APIs, checked before a request is sent.

use registry_client::credentials::Secret;
use registry_client::{record_sent_secret, redact_urls};
use tag_retrieval::github::{ApiUrl, Token, TokenError};

use super::failure::Failure;

/// The variables that name the APIs of GitHub, GitLab and quay and their tokens.
///
/// Only commands that use them check them, so that a wrong value does not stop the others.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiVariables {
    /// `GITHUB_API_URL`: set by GitHub Actions, also on GitHub Enterprise Server.
    pub(crate) github_api: Option<String>,
    /// `GITHUB_TOKEN`
    pub(crate) github_token: Option<Secret>,
    /// `GITLAB_TOKEN`
    pub(crate) gitlab_token: Option<Secret>,
    /// `GITLAB_HOST`: the host that the token is for.
    pub(crate) gitlab_host: Option<String>,
    /// `QUAY_TOKEN`
    pub(crate) quay_token: Option<Secret>,
    /// `QUAY_HOST`: the host that the token is for.
    pub(crate) quay_host: Option<String>,
}

/// The checked variables of version sources and pull requests.
#[derive(Debug, Clone)]
pub(crate) struct SourceApis {
    /// The URL of the GitHub API.
    pub(crate) github_api: ApiUrl,
    /// The token for GitHub.
    pub(crate) github_token: Option<Token>,
    /// The token for GitLab.
    pub(crate) gitlab_token: Option<Token>,
    /// The host of GitLab.
    pub(crate) gitlab_host: String,
}

impl ApiVariables {
    /// Reads the variables through functions for texts and secrets. A blank token counts as unset, as CI
    /// systems set missing secrets.
    pub(super) fn read(text: impl Fn(&str) -> Option<String>) -> Self {
        let secret = |name: &str| {
            let value = text(name)?.trim().to_owned();
            record_sent_secret(&value);
            (!value.is_empty()).then(|| Secret::from(value))
        };
        Self {
            github_api: text("GITHUB_API_URL"),
            github_token: secret("GITHUB_TOKEN"),
            gitlab_token: secret("GITLAB_TOKEN"),
            gitlab_host: text("GITLAB_HOST"),
            quay_token: secret("QUAY_TOKEN"),
            quay_host: text("QUAY_HOST"),
        }
    }

    /// Returns the checked variables of version sources and pull requests.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the variable with an invalid value.
    pub(crate) fn source_apis(&self) -> Result<SourceApis, Failure> {
        let (_, gitlab_host) = self.gitlab()?;
        Ok(SourceApis {
            github_api: match &self.github_api {
                Some(text) => api_url("GITHUB_API_URL", text)?,
                None => ApiUrl::default(),
            },
            github_token: token("GITHUB_TOKEN", self.github_token.as_ref())?,
            gitlab_token: token("GITLAB_TOKEN", self.gitlab_token.as_ref())?,
            gitlab_host: gitlab_host.to_owned(),
        })
    }

    /// Checks the variables for the APIs that create repositories.
    ///
    /// # Errors
    ///
    /// As [`ApiVariables::source_apis`].
    pub(crate) fn check_vendor_apis(&self) -> Result<(), Failure> {
        self.gitlab()?;
        token("QUAY_TOKEN", self.quay_token.as_ref())?;
        self.quay_host
            .as_deref()
            .map_or(Ok(()), |text| host("QUAY_HOST", text).map(drop))
    }

    fn gitlab(&self) -> Result<(Option<Token>, &str), Failure> {
        let token = token("GITLAB_TOKEN", self.gitlab_token.as_ref())?;
        let host = match &self.gitlab_host {
            Some(text) => host("GITLAB_HOST", text)?,
            None => "gitlab.com",
        };
        Ok((token, host))
    }
}

/// Parses a token. The message does not have its text.
fn token(variable: &str, secret: Option<&Secret>) -> Result<Option<Token>, Failure> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    let parsed = Token::parse(secret.expose());
    parsed.map(Some).map_err(|error: TokenError| {
        Failure::unusable(format!("invalid {variable}: {error}"))
            .hint(format!("set {variable} to the token alone, on one line"))
    })
}

fn api_url(variable: &str, text: &str) -> Result<ApiUrl, Failure> {
    text.parse().map_err(|error| {
        let text = redact_urls(text);
        Failure::unusable(format!(
            "invalid {variable} `{}`: {error}",
            text.escape_debug()
        ))
        .hint(format!(
            "set {variable} to https://HOST/api/v3 of GitHub Enterprise, or unset it for github.com"
        ))
    })
}

/// Checks `HOST[:PORT]`.
fn host<'a>(variable: &str, text: &'a str) -> Result<&'a str, Failure> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let name = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = name.parse::<image_name::Host>().is_ok();
    if scheme.is_none() && is_host && name == text {
        return Ok(text);
    }
    let shown = redact_urls(text);
    let shown = shown.escape_debug();
    let cause = match scheme {
        Some(scheme) => format!("the value has the scheme {}://", scheme.escape_debug()),
        None if is_host => "the value has a path".to_owned(),
        None => "the value is not a host".to_owned(),
    };
    let example = if is_host { name } else { "HOST[:PORT]" };
    Err(
        Failure::unusable(format!("invalid {variable} `{shown}`: {cause}"))
            .hint(format!("write the host alone: {variable}={example}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn read(variable: &str, value: &str) -> ApiVariables {
        ApiVariables::read(|name| (name == variable).then(|| value.to_owned()))
    }

    /// Variable, value, a part of the message, and a part of the hint.
    const INVALID: [(&str, &str, &str, &str); 17] = [
        ("GITHUB_TOKEN", "gh\np", "a line break", "on one line"),
        ("GITHUB_TOKEN", "gh p", "a space", "on one line"),
        ("GITLAB_TOKEN", "a\r\nb", "a line break", "on one line"),
        (
            "GITLAB_TOKEN",
            "a\u{1}b",
            "not visible ASCII",
            "on one line",
        ),
        ("GITHUB_API_URL", "foo", "no scheme", "https://HOST/api/v3"),
        ("GITHUB_API_URL", "api.github.com", "no scheme", "unset it"),
        ("GITHUB_API_URL", "http://", "no host", "unset it"),
        ("GITHUB_API_URL", "https:///api", "no host", "unset it"),
        ("GITHUB_API_URL", "https://a b/", "domain name", "unset it"),
        ("GITHUB_API_URL", "ftp://a.b/", "scheme `ftp`", "unset it"),
        ("GITHUB_API_URL", "https://a.b/?q=1", "a query", "unset it"),
        (
            "GITLAB_HOST",
            "https://h.org",
            "scheme https://",
            "GITLAB_HOST=h.org",
        ),
        ("GITLAB_HOST", "h.org/group", "a path", "GITLAB_HOST=h.org"),
        (
            "GITLAB_HOST",
            "h.org:x",
            "not a host",
            "GITLAB_HOST=HOST[:PORT]",
        ),
        (
            "GITLAB_HOST",
            "h org",
            "not a host",
            "GITLAB_HOST=HOST[:PORT]",
        ),
        (
            "QUAY_HOST",
            "https://q.org:1/",
            "scheme",
            "QUAY_HOST=q.org:1",
        ),
        ("QUAY_TOKEN", "a\nb", "a line break", "on one line"),
    ];

    #[test]
    fn invalid_values_name_their_variable_and_what_to_write() {
        for (variable, value, cause, hint) in INVALID {
            let variables = read(variable, value);
            let checked = variables.source_apis().map(drop);
            let failure = checked
                .and_then(|()| variables.check_vendor_apis())
                .unwrap_err();
            assert_eq!(failure.exit, Exit::Unusable, "{variable}={value:?}");
            let (text, given) = (failure.message, failure.hint.unwrap_or_default());
            assert!(
                text.contains(variable) && text.contains(cause),
                "{value:?}: {text}"
            );
            assert!(given.contains(hint), "{value:?}: {given}");
            assert!(
                !variable.ends_with("TOKEN") || !text.contains(value),
                "{text}"
            );
        }
    }

    #[test]
    fn valid_values_are_used_as_written() {
        for (variable, value) in [
            ("GITHUB_TOKEN", " ghp_a.b-c= \n"),
            ("GITHUB_TOKEN", " \n"),
            ("GITHUB_API_URL", "https://ghe.example.org/api/v3/"),
            ("GITHUB_API_URL", "http://127.0.0.1:8080"),
            ("GITLAB_HOST", "localhost:8080"),
            ("GITLAB_HOST", "gitlab"),
            ("GITLAB_HOST", "[::1]:8080"),
        ] {
            let variables = read(variable, value);
            let apis = variables.source_apis();
            assert!(apis.is_ok(), "{variable}={value:?}: {apis:?}");
            assert_eq!(
                variables.check_vendor_apis(),
                Ok(()),
                "{variable}={value:?}"
            );
        }
        let apis = read("GITHUB_TOKEN", " \n").source_apis().unwrap();
        assert_eq!(apis.github_token, None);
        assert_eq!(apis.gitlab_host, "gitlab.com");
    }
}
