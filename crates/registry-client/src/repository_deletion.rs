//! Deletions through the APIs of vendors, with the hosts and credentials that they need.

use std::sync::Arc;
use std::time::Instant;

use oci_client::Reference;

use crate::auth::Access;
use crate::client::Client;
use crate::error::Error;
use crate::manifest::Deletion;
use crate::registries_conf::Location;
use crate::repository::Repository;
use crate::repository_creation::password;
use crate::transport::{Host, Retries};
use crate::vendor_api::{
    DeletionApi, DeletionError, DeletionLogin, EcrRegistry, VendorApi, VendorDeletion, VendorHost,
    delete_at_vendor, endpoint,
};
use crate::vendor_operation::{DeletionRequest, DeletionVendor, OperationApi, VendorAuthorization};

/// GitHub's registry, and the host of its API.
const GITHUB_REGISTRY: &str = "ghcr.io";
const GITHUB_API: &str = "api.github.com";
/// The end of the hosts of Azure Container Registry.
const AZURE: &str = ".azurecr.io";
/// The end of the realm that Harbor's registry names.
const HARBOR_REALM: &str = "/service/token";
/// The end of the realm that GitLab's registry names.
const GITLAB_REALM: &str = "/jwt/auth";

impl Client {
    /// Returns the API through which tags or manifests of an image's registry are deleted, `None` if there is
    /// none or it is not known. Harbor and GitLab are known by their token servers, after a request.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`], [`Error::Trust`].
    pub fn deletion_api(&self, image: &Reference) -> Result<Option<DeletionApi>, Error> {
        let location = self.location(image)?;
        let host = image.registry();
        let by_name = [location.host.as_str(), host].into_iter().find_map(|host| {
            Some(match host {
                host if image_name::is_docker_hub(host) => DeletionApi::DockerHub,
                host if EcrRegistry::parse(host).is_some() => DeletionApi::Ecr,
                host if host.ends_with(AZURE) => DeletionApi::Azure,
                GITHUB_REGISTRY => DeletionApi::GitHub,
                "quay.io" => DeletionApi::Quay,
                _ => return None,
            })
        });
        if by_name.is_some() {
            return Ok(by_name);
        }
        let registry = self.destination(image, Access::Pull)?;
        let realm = registry.host.token_realm();
        Ok(realm.and_then(|realm| {
            let path = realm.path();
            match path {
                path if path.ends_with(HARBOR_REALM) => Some(DeletionApi::Harbor),
                path if path.ends_with(GITLAB_REALM) => Some(DeletionApi::GitLab),
                _ => None,
            }
        }))
    }

    /// Deletes a tag if it has a digest, or a manifest, through a vendor's API. The digest is requested from the
    /// registry before each attempt, so a retry does not delete a tag that was pushed again.
    ///
    /// # Errors
    ///
    /// [`DeletionError`], which wraps [`Error::NotSent`] if the write policy does not allow the deletion.
    pub async fn delete_at_vendor(
        &self,
        image: &Reference,
        api: DeletionApi,
        deletion: VendorDeletion<'_>,
    ) -> Result<Deletion, DeletionError> {
        let (reference, expected) = (deletion.reference, deletion.digest);
        let registry = self.destination(image, Access::Pull)?;
        let (host, login) = self.deletion_host(image, api, &registry, deletion).await?;
        let mut retries = Retries::new(host.host.retry_policy());
        let mut has_failed = false;
        loop {
            match registry.head_manifest(reference.clone()).await? {
                None if has_failed => return Ok(Deletion::Deleted),
                None => return Ok(Deletion::Gone),
                Some(head) if head.digest != *expected => return Ok(Deletion::Moved(head.digest)),
                Some(_) => {}
            }
            let started = Instant::now();
            match delete_at_vendor(api, &host, &login).await {
                Ok(()) => return Ok(registry.check_deleted(reference, expected).await?),
                Err(DeletionError::Request(error)) => {
                    let idle = started.elapsed();
                    host.host.wait_for_retry(&mut retries, error, idle).await?;
                    has_failed = true;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the host of the API with the authorization of the deletion.
    async fn deletion_host(
        &self,
        image: &Reference,
        api: DeletionApi,
        registry: &Repository,
        deletion: VendorDeletion<'_>,
    ) -> Result<(VendorHost, DeletionLogin<'_>), DeletionError> {
        let location = self.location(image)?;
        let mut login = DeletionLogin {
            cache: self.vendor_cache(),
            password: None,
            account: String::new(),
        };
        let mut root = String::new();
        let missing = || DeletionError::NoCredentials {
            api,
            host: registry.host_name().to_owned(),
        };
        let basic = password(registry).await?;
        let own_host = Arc::clone(&registry.host);
        let (host, authorization) = match api {
            DeletionApi::Azure | DeletionApi::Harbor => {
                let (username, password) = basic.ok_or_else(missing)?;
                (own_host, VendorAuthorization::Basic { username, password })
            }
            DeletionApi::DockerHub => {
                login.password = basic;
                (self.hub_host(image, &location)?, VendorAuthorization::None)
            }
            DeletionApi::Ecr => {
                let (host, ecr) = self.ecr_host(image, &location, own_host)?;
                let EcrRegistry {
                    account, region, ..
                } = ecr.ok_or_else(missing)?;
                let keys = self.aws_keys(registry).await?;
                login.account = account;
                (host, VendorAuthorization::Aws { keys, region })
            }
            DeletionApi::GitHub => {
                let host = match location.host == GITHUB_REGISTRY {
                    true => self.host(GITHUB_API, None)?,
                    false => own_host,
                };
                let (_, token) = basic.ok_or_else(missing)?;
                (host, VendorAuthorization::Bearer(token))
            }
            DeletionApi::GitLab => {
                let (host, path) = self.gitlab_host(&location, registry)?;
                root = path;
                let token = self.gitlab_token(&host, registry).await?;
                let token = token.ok_or_else(missing)?;
                (host, VendorAuthorization::PrivateToken(token))
            }
            DeletionApi::Quay => {
                let token = self.quay_token(registry).await?.ok_or_else(missing)?;
                (own_host, VendorAuthorization::Bearer(token))
            }
        };
        let deletion = request(api, deletion, root);
        let operation = OperationApi::Deletion(Box::new(deletion));
        let host = self.vendor_host(host, operation, registry, authorization);
        Ok((host, login))
    }

    /// Returns the host of ECR's API, and the registry. `own_host` is that of the registry, which stands in for
    /// the API if registries.conf maps it to a host that is not Amazon ECR.
    fn ecr_host(
        &self,
        image: &Reference,
        location: &Location,
        own_host: Arc<Host>,
    ) -> Result<(Arc<Host>, Option<EcrRegistry>), Error> {
        match EcrRegistry::parse(&location.host) {
            Some(ecr) => Ok((self.host(&ecr.api_host, None)?, Some(ecr))),
            None => Ok((own_host, EcrRegistry::parse(image.registry()))),
        }
    }

    fn hub_host(&self, image: &Reference, location: &Location) -> Result<Arc<Host>, Error> {
        let found = endpoint(image.registry(), image.repository(), location.clone());
        match found {
            Some((VendorApi::DockerHub, place, _)) => self.host(&place.host, place.insecure),
            _ => self.host("hub.docker.com", None),
        }
    }
}

fn request(api: DeletionApi, deletion: VendorDeletion<'_>, root: String) -> DeletionRequest {
    DeletionRequest {
        vendor: vendor(api),
        reference: deletion.reference.clone(),
        digest: deletion.digest.clone(),
        tags: deletion.tags.to_vec(),
        root,
    }
}

fn vendor(api: DeletionApi) -> DeletionVendor {
    match api {
        DeletionApi::Azure => DeletionVendor::Azure,
        DeletionApi::DockerHub => DeletionVendor::DockerHub,
        DeletionApi::Ecr => DeletionVendor::Ecr,
        DeletionApi::GitHub => DeletionVendor::GitHub,
        DeletionApi::GitLab => DeletionVendor::GitLab,
        DeletionApi::Harbor => DeletionVendor::Harbor,
        DeletionApi::Quay => DeletionVendor::Quay,
    }
}
