//! The entry point: a client resolves image names to repositories.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use image_name::ManifestReference;
use oci_client::Reference;

use crate::activity::{Activity, HostActivity};
use crate::auth::Access;
use crate::error::Error;
use crate::host_api::HostApi;
use crate::lock::lock;
use crate::redact::printable;
use crate::registries_conf::{Location, PullFromMirror, RegistriesConf};
use crate::repository::Repository;
use crate::source_path::source_path;
use crate::transport::{Host, HostPulls, InProcessRegistry, Shared};
use crate::vendor_api::{VendorCache, VendorCredentials, VendorRepository, endpoint};
use crate::write_policy::{ReadOnly, WritePolicy};

/// A client for any number of registries, with a limit, a token cache and a connection pool for
/// each. Clones share all of them.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
    writes: Arc<dyn WritePolicy>,
    /// The host from which all sources are read, instead of their own.
    source_host: Option<Arc<Host>>,
}

#[derive(Debug)]
struct Inner {
    registries_conf: RegistriesConf,
    hosts: Mutex<Hosts>,
    vendor_cache: VendorCache,
    shared: Arc<Shared>,
}

/// By host name and `insecure`, since two prefixes of registries.conf may differ in it.
type Hosts = HashMap<(String, Option<bool>), Arc<Host>>;

impl Client {
    pub(crate) fn new(
        registries_conf: RegistriesConf,
        credentials: VendorCredentials,
        shared: Shared,
    ) -> Self {
        install_crypto();
        Self {
            inner: Arc::new(Inner {
                registries_conf,
                hosts: Mutex::default(),
                vendor_cache: VendorCache::new(credentials),
                shared: Arc::new(shared),
            }),
            writes: Arc::new(ReadOnly),
            source_host: None,
        }
    }

    /// Returns a client that shares hosts and tokens and sends the writes that a policy allows. A
    /// new client sends no writes.
    #[must_use]
    pub fn with_writes(&self, writes: Arc<dyn WritePolicy>) -> Self {
        Self {
            writes,
            ..self.clone()
        }
    }

    /// Adds a registry inside this process under a name that no other registry has, such as
    /// `bundle.invalid` (RFC 2606) or the name of a file, `oci:DIR`.
    ///
    /// # Errors
    ///
    /// [`Error::Trust`].
    pub fn insert_in_process(
        &self,
        name: &str,
        registry: Arc<dyn InProcessRegistry>,
    ) -> Result<(), Error> {
        let host = Host::in_process(name, registry, &self.inner.shared)?;
        let key = (name.to_owned(), None);
        lock(&self.inner.hosts).insert(key, Arc::new(host));
        Ok(())
    }

    /// Returns a client that reads every source from one host, each repository below
    /// [`source_path`]. Destinations stay where they are.
    ///
    /// # Errors
    ///
    /// [`Error::Trust`].
    pub fn with_source_host(&self, name: &str) -> Result<Self, Error> {
        Ok(Self {
            source_host: Some(self.host(name, None)?),
            ..self.clone()
        })
    }

    /// Returns the repositories from which an image can be read, in the order of preference: the
    /// mirrors of registries.conf, then the registry itself.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`], [`Error::Trust`].
    pub fn sources(&self, reference: &Reference) -> Result<Vec<Repository>, Error> {
        if let Some(host) = &self.source_host {
            let path = source_path(reference);
            let writes = Arc::clone(&self.writes);
            return Ok(vec![Repository::new(
                Arc::clone(host),
                path,
                Access::Pull,
                writes,
            )]);
        }
        let (host, path) = (reference.registry(), reference.repository());
        let resolution = self.inner.registries_conf.resolve(host, path)?;
        let by_digest = reference.digest().is_some();
        let mut sources = Vec::new();
        for mirror in &resolution.mirrors {
            let is_usable = match mirror.pull {
                PullFromMirror::All => true,
                PullFromMirror::DigestOnly => by_digest,
                PullFromMirror::TagOnly => !by_digest,
            };
            if is_usable {
                sources.push(self.at(&mirror.location, Access::Pull)?);
            }
        }
        sources.push(self.at(&resolution.location, Access::Pull)?);
        Ok(sources)
    }

    /// Returns the repository to which an image is written. It is never a mirror.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`], [`Error::Trust`].
    pub fn destination(&self, reference: &Reference, access: Access) -> Result<Repository, Error> {
        let (host, path) = (reference.registry(), reference.repository());
        let resolution = self.inner.registries_conf.resolve(host, path)?;
        self.at(&resolution.location, access)
    }

    /// Returns the vendor API of an image's registry, at the host to which registries.conf maps the
    /// registry, or `None` if none is known.
    ///
    /// # Errors
    ///
    /// [`Error::Blocked`], [`Error::Trust`].
    pub fn vendor_api(&self, reference: &Reference) -> Result<Option<VendorRepository>, Error> {
        let (host, path) = (reference.registry(), reference.repository());
        let resolution = self.inner.registries_conf.resolve(host, path)?;
        let Some((api, location, target)) = endpoint(host, path, resolution.location) else {
            return Ok(None);
        };
        let host_api = HostApi::new(self.host(&location.host, location.insecure)?);
        Ok(Some(VendorRepository::new(api, host_api, target)))
    }

    /// Returns the HTTP API of a host that need not be a registry, `HOST[:PORT]`. Limits, pauses,
    /// retries and trust apply; credentials and registries.conf do not.
    ///
    /// # Errors
    ///
    /// [`Error::Trust`].
    pub fn host_api(&self, host: &str) -> Result<HostApi, Error> {
        Ok(HostApi::new(self.host(host, None)?))
    }

    /// Returns the host to which registries.conf maps a repository, or the whole host if the repository is
    /// empty.
    pub(crate) fn mapped_host(&self, host: &str, repository: &str) -> Result<Arc<Host>, Error> {
        let resolution = self.inner.registries_conf.resolve(host, repository)?;
        self.host(&resolution.location.host, resolution.location.insecure)
    }

    fn at(&self, location: &Location, access: Access) -> Result<Repository, Error> {
        let Location {
            host, repository, ..
        } = location;
        let path = repository.parse().map_err(|source| Error::Name {
            host: host.clone(),
            path: printable(repository, 200),
            source,
        })?;
        let host = self.host(host, location.insecure)?;
        Ok(Repository::new(
            host,
            path,
            access,
            Arc::clone(&self.writes),
        ))
    }

    pub(crate) fn host(&self, name: &str, insecure: Option<bool>) -> Result<Arc<Host>, Error> {
        let key = (name.to_owned(), insecure);
        self.known_host(key, |shared| Host::new(name, insecure, shared))
    }

    /// Returns a host that is contacted without TLS. A registry with the same name is another host, so
    /// that it keeps TLS.
    pub(crate) fn host_over_http(&self, name: &str) -> Result<Arc<Host>, Error> {
        let key = (format!("http://{name}"), None);
        self.known_host(key, |shared| Host::over_http(name, shared))
    }

    fn known_host(
        &self,
        key: (String, Option<bool>),
        create: impl FnOnce(&Arc<Shared>) -> Result<Host, Error>,
    ) -> Result<Arc<Host>, Error> {
        let mut hosts = lock(&self.inner.hosts);
        if let Some(host) = hosts.get(&key) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(create(&self.inner.shared)?);
        hosts.insert(key, Arc::clone(&host));
        Ok(host)
    }

    /// Returns the location of a repository by registries.conf.
    pub(crate) fn location(&self, reference: &Reference) -> Result<Location, Error> {
        let (host, path) = (reference.registry(), reference.repository());
        Ok(self.inner.registries_conf.resolve(host, path)?.location)
    }

    /// Returns the settings that all hosts share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Returns whether registries.conf or an option names a host as insecure.
    pub(crate) fn is_insecure(&self, host: &str) -> bool {
        let resolution = self.inner.registries_conf.resolve(host, "");
        resolution.is_ok_and(|found| found.location.insecure == Some(true))
    }

    /// Returns the policy for writes.
    pub(crate) fn writes(&self) -> Arc<dyn WritePolicy> {
        Arc::clone(&self.writes)
    }

    /// Returns the credentials for vendors' APIs, and what was learned about these APIs.
    pub(crate) fn vendor_cache(&self) -> &VendorCache {
        &self.inner.vendor_cache
    }

    /// Returns the requests in flight and the limits of the hosts.
    #[must_use]
    pub fn activity(&self) -> Activity {
        let hosts = lock(&self.inner.hosts);
        let mut hosts: Vec<_> = hosts.values().map(|host| HostActivity::new(host)).collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        Activity {
            requests: self.inner.shared.in_flight.snapshot(),
            hosts,
        }
    }

    /// Returns the pulls of each host that has reported a quota or has a maximum, ordered by name.
    #[must_use]
    pub fn pulls(&self) -> Vec<HostPulls> {
        let hosts = lock(&self.inner.hosts);
        let pulls = hosts.values().map(|host| host.quota.pulls(host.name()));
        let mut pulls: Vec<_> = pulls
            .filter(|pulls| pulls.quota.is_some() || pulls.max.is_some())
            .collect();
        pulls.sort_by(|a, b| a.host.cmp(&b.host));
        pulls
    }

    /// Returns the number of HTTP requests sent, token requests and retries included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.inner.shared.requests.load(Ordering::Relaxed)
    }
}

/// Returns the tag or digest of an image's reference.
///
/// # Errors
///
/// [`Error::Reference`] for a reference with neither.
pub fn manifest_reference(reference: &Reference) -> Result<ManifestReference, Error> {
    reference.try_into().map_err(|source| Error::Reference {
        reference: reference.to_string(),
        source,
    })
}

/// Installs ring as the process-wide cryptography of rustls.
fn install_crypto() {
    // An error means that a provider is installed already.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_without_tls_does_not_take_tls_from_a_registry_of_the_same_name() {
        let client = Client::builder().build();
        let scheme = |host: Result<Arc<Host>, Error>| {
            let url = host.unwrap().address("").unwrap();
            url.scheme().to_owned()
        };
        assert_eq!(scheme(client.host_over_http("r.io")), "http");
        assert_eq!(scheme(client.host("r.io", None)), "https");
        assert_eq!(scheme(client.host_over_http("r.io")), "http");
    }
}
