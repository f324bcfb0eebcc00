//! A registry as a whole, for checks of its API, credentials and certificate.

use std::sync::Arc;

use http::Method;
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
    /// Docker Hub. `None` if it reports none.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request.
    pub async fn rate_limit(&self) -> Result<Option<RateLimit>, Error> {
        let Ok(latest) = "latest".parse() else {
            return Ok(None);
        };
        let endpoint = Endpoint::Manifest(latest);
        let request = self.request(Method::HEAD, &endpoint, &[200, 401, 403, 404])?;
        let response = self.host.send(&request).await?;
        Ok(RateLimit::from_headers(&response.headers))
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
