//! A registry as a whole, for checks of its API, credentials and certificate.

use std::sync::Arc;

use http::{Method, StatusCode};
use image_name::RepositoryPath;

use crate::api_check::{ApiCheck, TlsInfo};
use crate::client::Client;
use crate::credentials::LoginLocation;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::rate_limit::RateLimit;
use crate::repository::Repository;
use crate::transport::Host;

/// A registry host, at the location to which registries.conf maps it.
#[derive(Debug, Clone)]
pub struct Registry {
    host: Arc<Host>,
    /// The repository whose credentials are used; empty for those of the whole host.
    repository: String,
}

/// The result of a check of the rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimitCheck {
    /// The limit, `None` if the registry reports none.
    pub limit: Option<RateLimit>,
    /// True if the registry refuses further requests with a 429.
    pub is_throttled: bool,
}

impl Client {
    /// Returns a registry. `repository` is the repository whose credentials are used, empty for those of
    /// the whole host.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`], [`Error::Trust`].
    pub fn registry(&self, host: &str, repository: &str) -> Result<Registry, Error> {
        Ok(Registry {
            host: self.mapped_host(host, repository)?,
            repository: repository.to_owned(),
        })
    }
}

impl Registry {
    /// Returns the host that is contacted.
    #[must_use]
    pub fn host_name(&self) -> &str {
        self.host.name()
    }

    /// Requests `/v2/`, and checks the stored credentials if the registry requests any.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; one with [`Error::is_refused`] if the credentials are refused.
    pub async fn check(&self) -> Result<ApiCheck, Error> {
        self.host.check_api(&self.repository).await
    }

    /// Returns where the stored credentials come from, and their user.
    ///
    /// # Errors
    ///
    /// [`Error::Credentials`].
    pub async fn credential_location(
        &self,
    ) -> Result<Option<(LoginLocation, Option<String>)>, Error> {
        self.host.credential_location(&self.repository).await
    }

    /// Returns the version and certificate of a TLS connection, `None` for a registry without TLS and
    /// behind a proxy.
    ///
    /// # Errors
    ///
    /// [`Error::Connection`], [`Error::Tls`], [`Error::Timeout`].
    pub async fn tls_info(&self) -> Result<Option<TlsInfo>, Error> {
        self.host.tls_info().await
    }
}

impl Repository {
    /// Returns the rate limit that the registry reports with a HEAD of `latest`, which costs none of it at
    /// Docker Hub. A 429 is a result, for which no pause is kept.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn rate_limit(&self) -> Result<RateLimitCheck, Error> {
        let Ok(latest) = "latest".parse() else {
            return Ok(RateLimitCheck::default());
        };
        let endpoint = Endpoint::Manifest(latest);
        let request = self.request(Method::HEAD, &endpoint, &[200, 401, 403, 404, 429])?;
        let response = self.host.send(&request).await?;
        Ok(RateLimitCheck {
            limit: RateLimit::from_headers(&response.headers),
            is_throttled: response.status == StatusCode::TOO_MANY_REQUESTS,
        })
    }
}

/// The policy that allows uploads to one repository, for a check of the right to push.
#[derive(Debug)]
pub struct UploadsOnly {
    /// The host that is contacted.
    pub host: String,
    /// The repository.
    pub repository: RepositoryPath,
}

impl crate::WritePolicy for UploadsOnly {
    fn allows(&self, write: &crate::Write<'_>) -> bool {
        write.host == self.host
            && *write.repository == self.repository
            && write.target == crate::WriteTarget::Blob
    }
}
