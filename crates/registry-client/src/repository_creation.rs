//! The creation and the description of repositories, with the hosts and credentials that they need.

use std::sync::Arc;

use image_name::RepositoryPath;
use oci_client::Reference;
use url::{Position, Url};

use crate::auth::Access;
use crate::client::Client;
use crate::credentials::{Credential, Secret};
use crate::error::Error;
use crate::registries_conf::Location;
use crate::repository::Repository;
use crate::transport::Host;
use crate::vendor_api::{
    Creation, CreationApi, CreationError, EcrRegistry, HostToken, VendorApi, VendorHost,
    create_at_ecr, create_at_gitlab, create_at_harbor, create_at_quay, describe_at_docker_hub,
    endpoint,
};
use crate::vendor_operation::{AwsKeys, OperationApi, VendorAuthorization, VendorOperation};

/// The user with which quay accepts an OAuth 2 access token as the password of its registry.
const QUAY_OAUTH_USER: &str = "$oauthtoken";

/// The end of the realm that GitLab's registry names.
const GITLAB_REALM: &str = "/jwt/auth";

impl Client {
    /// Creates the repository of an image through its vendor's API, or the project that must exist
    /// before a push. An existing one is not changed.
    ///
    /// The API of Harbor and quay is at the host to which registries.conf maps the registry. That of Amazon
    /// ECR is at the API host of its region, unless the registry is mapped to a host that is not Amazon ECR.
    /// That of GitLab is at the host of the token server that the registry names, or without a challenge at the
    /// host of the configured token.
    ///
    /// # Errors
    ///
    /// [`CreationError`], which wraps [`Error::NotSent`] if the write policy does not allow the creation.
    pub async fn create_repository(
        &self,
        destination: &Reference,
        api: CreationApi,
    ) -> Result<Creation, CreationError> {
        let location = self.location(destination)?;
        let registry = self.destination(destination, Access::Push)?;
        match api {
            CreationApi::Ecr => self.create_at_ecr(destination, &location, &registry).await,
            CreationApi::Harbor => {
                let authorization = match password(&registry).await? {
                    Some((username, password)) => VendorAuthorization::Basic { username, password },
                    None => return Err(no_credentials(api, &registry)),
                };
                let host = Arc::clone(&registry.host);
                let api = self.vendor_host(host, OperationApi::Harbor, &registry, authorization);
                create_at_harbor(&api).await
            }
            CreationApi::Quay => {
                let Some(token) = self.quay_token(&registry).await? else {
                    return Err(no_credentials(api, &registry));
                };
                let authorization = VendorAuthorization::Bearer(token);
                let host = Arc::clone(&registry.host);
                let api = self.vendor_host(host, OperationApi::Quay, &registry, authorization);
                create_at_quay(&api).await
            }
            CreationApi::GitLab => self.create_at_gitlab(&location, &registry).await,
        }
    }

    /// Sets the description of an image's repository at Docker Hub, if it differs. Returns true if it
    /// differed.
    ///
    /// # Errors
    ///
    /// As [`Client::create_repository`].
    pub async fn describe_repository(
        &self,
        destination: &Reference,
        text: &str,
    ) -> Result<bool, CreationError> {
        let registry = self.destination(destination, Access::Push)?;
        let (host, path) = (destination.registry(), destination.repository());
        let found = endpoint(host, path, self.location(destination)?);
        let Some((VendorApi::DockerHub, place, _)) = found else {
            return Err(CreationError::Unsupported {
                what: format!("{host}/{path} is not a repository of Docker Hub"),
            });
        };
        let Some((username, password)) = password(&registry).await? else {
            return Err(CreationError::Unsupported {
                what: format!("no user and password for the API of {host}"),
            });
        };
        let host = self.host(&place.host, place.insecure)?;
        let api = OperationApi::DockerHub;
        let api = self.vendor_host(host, api, &registry, VendorAuthorization::None);
        let login = (username.as_str(), &password);
        Ok(describe_at_docker_hub(&api, self.vendor_cache(), login, text).await?)
    }

    async fn create_at_ecr(
        &self,
        destination: &Reference,
        location: &Location,
        registry: &Repository,
    ) -> Result<Creation, CreationError> {
        let mapped = EcrRegistry::parse(&location.host);
        let is_mapped_to_ecr = mapped.is_some();
        let named = mapped.or_else(|| EcrRegistry::parse(destination.registry()));
        let Some(ecr) = named else {
            return Err(CreationError::Unsupported {
                what: format!(
                    "{} is not a private registry of Amazon ECR, ACCOUNT.dkr.ecr.REGION.amazonaws.com",
                    destination.registry()
                ),
            });
        };
        let host = match is_mapped_to_ecr {
            true => self.host(&ecr.api_host, None)?,
            false => Arc::clone(&registry.host),
        };
        let keys = self.aws_keys(registry).await?;
        let region = ecr.region;
        let authorization = VendorAuthorization::Aws { keys, region };
        let api = self.vendor_host(host, OperationApi::Ecr, registry, authorization);
        create_at_ecr(&api, &ecr.account).await
    }

    pub(crate) async fn aws_keys(&self, registry: &Repository) -> Result<AwsKeys, CreationError> {
        let credentials = &self.vendor_cache().credentials.aws;
        if let Some(keys) = credentials.keys() {
            return Ok(keys);
        }
        let Some(url) = credentials.container_url()? else {
            return Err(no_credentials(CreationApi::Ecr, registry));
        };
        let host = self.host_of_url(&url)?;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let api = OperationApi::ContainerKeys(target.to_owned());
        let endpoint = self.vendor_host(host, api, registry, VendorAuthorization::None);
        let target = target.strip_prefix('/').unwrap_or(target);
        let keys = &self.vendor_cache().container_keys;
        keys.get(&endpoint, target, credentials).await
    }

    async fn create_at_gitlab(
        &self,
        location: &Location,
        registry: &Repository,
    ) -> Result<Creation, CreationError> {
        let (host, root) = self.gitlab_host(location, registry)?;
        let Some(token) = self.gitlab_token(&host, registry).await? else {
            return Err(no_credentials(CreationApi::GitLab, registry));
        };
        let authorization = VendorAuthorization::PrivateToken(token);
        let api = OperationApi::GitLab { root };
        let api = self.vendor_host(host, api, registry, authorization);
        create_at_gitlab(&api, self.vendor_cache()).await
    }

    /// Returns the host of GitLab, and its path there: those of the token server that its registry names.
    pub(crate) fn gitlab_host(
        &self,
        location: &Location,
        registry: &Repository,
    ) -> Result<(Arc<Host>, String), Error> {
        if let Some(realm) = registry.host.token_realm() {
            let root = realm.path().strip_suffix(GITLAB_REALM).unwrap_or_default();
            return Ok((self.host_of_url(&realm)?, root.to_owned()));
        }
        // Without a challenge, the host of the token server is unknown.
        let token = self.vendor_cache().credentials.gitlab.as_ref();
        let known = token.map(|token| token.host.as_str());
        let name = known.unwrap_or(&location.host);
        Ok((self.host(name, location.insecure)?, String::new()))
    }

    /// Returns the token for GitLab: the configured one, or the password for its registry.
    pub(crate) async fn gitlab_token(
        &self,
        host: &Host,
        registry: &Repository,
    ) -> Result<Option<Secret>, Error> {
        let known = self.vendor_cache().credentials.gitlab.as_ref();
        match HostToken::for_host(known, host.name()) {
            Some(token) => Ok(Some(token)),
            None => Ok(password(registry).await?.map(|(_, password)| password)),
        }
    }

    pub(crate) async fn quay_token(&self, registry: &Repository) -> Result<Option<Secret>, Error> {
        let known = self.vendor_cache().credentials.quay.as_ref();
        if let Some(token) = HostToken::for_host(known, registry.host_name()) {
            return Ok(Some(token));
        }
        let stored = password(registry).await?;
        let stored = stored.filter(|(username, _)| username == QUAY_OAUTH_USER);
        Ok(stored.map(|(_, token)| token))
    }

    /// Returns the host of a URL, contacted over the URL's scheme.
    fn host_of_url(&self, url: &Url) -> Result<Arc<Host>, Error> {
        let name = &url[Position::BeforeHost..Position::AfterPort];
        match url.scheme() {
            "http" => self.host_over_http(name),
            _ => self.host(name, None),
        }
    }

    pub(crate) fn vendor_host(
        &self,
        host: Arc<Host>,
        api: OperationApi,
        registry: &Repository,
        authorization: VendorAuthorization,
    ) -> VendorHost {
        let operation = VendorOperation {
            api,
            registry: registry.host_name().to_owned(),
            repository: RepositoryPath::clone(&registry.path),
        };
        VendorHost::new(host, operation, self.writes(), authorization)
    }
}

/// Returns the user and password for the registry of a repository.
pub(crate) async fn password(registry: &Repository) -> Result<Option<(String, Secret)>, Error> {
    Ok(match registry.host.credential(registry.name()).await? {
        Some(Credential::Basic { username, password }) => Some((username, password)),
        Some(Credential::IdentityToken(_) | Credential::RegistryToken(_)) | None => None,
    })
}

fn no_credentials(api: CreationApi, registry: &Repository) -> CreationError {
    CreationError::NoCredentials {
        api,
        host: registry.host_name().to_owned(),
    }
}
