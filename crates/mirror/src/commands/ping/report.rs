//! The output of `ping`.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use registry_client::credentials::LoginLocation;
use registry_client::{ApiCheck, ApiScheme, CredentialCheck, RateLimit, Repository, TlsInfo};
use serde::Serialize;

/// The output of `ping`: text and JSON.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Pinged {
    /// The registry as named on the command line.
    host: String,
    /// The host to which registries.conf maps it, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    api: ApiJson,
    /// The TLS connection; `null` without verified TLS and behind a proxy.
    pub(super) tls: Option<TlsJson>,
    /// The origin of the stored credentials; `null` if there are none.
    pub(super) credentials: Option<CredentialsJson>,
    /// The result of the check of credentials.
    authentication: Authentication,
    /// True if the registry has the referrers API; `null` if unknown.
    referrers: Option<bool>,
    /// True if blobs can be mounted; `null` if unknown.
    pub(super) mounts: Option<bool>,
    /// The limit of requests for manifests; `null` if none is reported.
    pub(super) rate_limit: Option<RateLimitJson>,
    /// True if the registry refuses requests for manifests with a 429.
    #[serde(rename = "throttled")]
    pub(super) is_throttled: bool,
    /// The right to push; `null` without `--push`.
    pub(super) push: Option<CheckJson>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ApiJson {
    url: String,
    /// The status without credentials.
    status: u16,
    /// The token server, for registries that request a token.
    token_server: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum Authentication {
    /// The registry requests no credentials at `/v2/`.
    NotRequested,
    /// No credentials are stored.
    Missing,
    /// The stored credentials are of another kind than the registry requests.
    Unsuitable,
    /// The registry accepts the stored credentials.
    Accepted,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TlsJson {
    version: String,
    subject: Option<String>,
    issuer: Option<String>,
    /// The end of the certificate's validity, in RFC 3339.
    expires: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CredentialsJson {
    file: PathBuf,
    helper: Option<String>,
    username: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RateLimitJson {
    /// `null` if the registry reports only what is left.
    limit: Option<u64>,
    remaining: u64,
    window_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CheckJson {
    repository: String,
    allowed: bool,
    /// The reason if it is not allowed.
    message: Option<String>,
}

impl Pinged {
    /// Creates the output of a check of the API.
    pub(super) fn new(host: &str, location: &str, check: &ApiCheck) -> Self {
        let token_server = match &check.scheme {
            Some(ApiScheme::Bearer { realm }) => Some(realm.clone()),
            _ => None,
        };
        Self {
            host: host.to_owned(),
            location: (location != host).then(|| location.to_owned()),
            api: ApiJson {
                url: check.url(),
                status: check.status.as_u16(),
                token_server,
            },
            tls: None,
            credentials: None,
            authentication: match check.credentials {
                CredentialCheck::Accepted => Authentication::Accepted,
                CredentialCheck::Missing => Authentication::Missing,
                CredentialCheck::Unsuitable => Authentication::Unsuitable,
                _ => Authentication::NotRequested,
            },
            referrers: None,
            mounts: None,
            rate_limit: None,
            is_throttled: false,
            push: None,
        }
    }

    pub(super) fn set_referrers(&mut self, referrers: Option<bool>) {
        self.referrers = referrers;
    }
}

impl From<TlsInfo> for TlsJson {
    fn from(info: TlsInfo) -> Self {
        let certificate = info.certificate;
        let (subject, issuer, expires) = match certificate {
            Some(found) => (found.subject, found.issuer, Some(found.expires)),
            None => (None, None, None),
        };
        Self {
            version: info.version,
            subject,
            issuer,
            expires,
        }
    }
}

impl CredentialsJson {
    pub(super) fn new(location: LoginLocation, username: Option<String>) -> Self {
        let (file, helper) = match location {
            LoginLocation::File(file) => (file, None),
            LoginLocation::Helper { name, file } => (file, Some(name)),
        };
        Self {
            file,
            helper,
            username,
        }
    }
}

impl From<RateLimit> for RateLimitJson {
    fn from(limit: RateLimit) -> Self {
        Self {
            limit: limit.limit,
            remaining: limit.remaining,
            window_seconds: limit.window.map(|window| window.as_secs()),
        }
    }
}

impl CheckJson {
    pub(super) fn allowed(target: &Repository) -> Self {
        Self {
            repository: target.to_string(),
            allowed: true,
            message: None,
        }
    }

    pub(super) fn denied(target: &Repository, reason: &str) -> Self {
        Self {
            repository: target.to_string(),
            allowed: false,
            message: Some(reason.to_owned()),
        }
    }

    pub(super) fn is_denied(&self) -> bool {
        !self.allowed
    }
}

impl Display for Pinged {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "registry     {}", self.host)?;
        match &self.location {
            Some(location) => writeln!(f, ", at {location}")?,
            None => writeln!(f)?,
        }
        writeln!(
            f,
            "api          {} responds {}",
            self.api.url, self.api.status
        )?;
        if let Some(realm) = &self.api.token_server {
            writeln!(f, "tokens       {realm}")?;
        }
        match &self.tls {
            Some(tls) => writeln!(f, "tls          {tls}")?,
            None if self.api.url.starts_with("http:") => writeln!(f, "tls          none")?,
            None => writeln!(f, "tls          unknown")?,
        }
        write!(f, "credentials  ")?;
        match &self.credentials {
            Some(credentials) => write!(f, "{credentials}: ")?,
            None => write!(f, "none: ")?,
        }
        writeln!(f, "{}", self.authentication)?;
        let known = |known: Option<bool>| match known {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        writeln!(f, "referrers    {}", known(self.referrers))?;
        writeln!(f, "mounts       {}", known(self.mounts))?;
        match &self.rate_limit {
            Some(limit) => write!(f, "rate limit   {limit}")?,
            None => write!(f, "rate limit   none reported")?,
        }
        match self.is_throttled {
            true => writeln!(f, "; requests are refused: 429 Too Many Requests")?,
            false => writeln!(f)?,
        }
        match &self.push {
            Some(CheckJson {
                repository,
                message: Some(message),
                ..
            }) => writeln!(f, "push         no, to {repository}: {message}"),
            Some(push) => writeln!(f, "push         yes, to {}", push.repository),
            None => Ok(()),
        }
    }
}

impl Display for Authentication {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRequested => "not requested",
            Self::Missing => "requested by the registry",
            Self::Unsuitable => "of another kind than the registry requests",
            Self::Accepted => "accepted",
        })
    }
}

impl Display for CredentialsJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(helper) = &self.helper {
            write!(f, ", docker-credential-{helper}")?;
        }
        match &self.username {
            Some(username) => write!(f, ", user {username}"),
            None => Ok(()),
        }
    }
}

impl Display for TlsJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)?;
        if let Some(subject) = &self.subject {
            write!(f, ", certificate of {subject}")?;
        }
        if let Some(issuer) = &self.issuer {
            write!(f, " by {issuer}")?;
        }
        match &self.expires {
            Some(expires) => write!(f, ", expires {expires}"),
            None => Ok(()),
        }
    }
}

impl Display for RateLimitJson {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.limit {
            Some(limit) => write!(f, "{} of {limit} requests left", self.remaining)?,
            None => write!(f, "{} requests left", self.remaining)?,
        }
        match self.window_seconds {
            Some(window) => write!(f, " in {window} s"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn schema_is_documented() {
        document_schema::assert_documented::<Pinged>("ping");
    }
}
