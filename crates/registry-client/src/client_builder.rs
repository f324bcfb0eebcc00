//! The settings of a client.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use http::HeaderValue;
use image_name::Host;
use tokio::sync::Semaphore;

use crate::client::Client;
use crate::credentials::{CredentialSources, CredentialStore, Helpers};
use crate::document_memory::DocumentMemory;
use crate::fair_share::FairShare;
use crate::proxies::Proxies;
use crate::registries_conf::RegistriesConf;
use crate::transport::{HostLimits, RetryPolicy, Shared, Timeouts, system_roots};
use crate::trust::Trust;
use crate::vendor_api::VendorCredentials;

/// Maximum number of 8 MiB chunks in memory, over all hosts.
const CHUNKS_IN_MEMORY: usize = 4;

/// Maximum concurrent blob streams, besides [`STREAMS_PER_PAIR`]. Two streams saturate two cores on a
/// local network; at 80 ms latency, twelve saturate the link. More only cost memory.
const STREAMS: usize = 11;

/// Blob streams of each pair of source and destination host that no other pair can use: streams that
/// hardly move must not stop the others.
const STREAMS_PER_PAIR: usize = 1;

/// Memory for documents in bytes, unless the caller sets another.
const DOCUMENT_MEMORY: u64 = 64 * 1024 * 1024;

/// Tag lists of several pages that are read concurrently, besides [`LONG_LISTS_PER_HOST`].
const LONG_LISTS: usize = 2;

/// Such lists of each host that are read whatever the others do.
const LONG_LISTS_PER_HOST: usize = 1;

/// The maximum number of concurrent requests to one host, unless the caller sets another.
const REQUESTS_PER_HOST: usize = 32;

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("registry-client/", env!("CARGO_PKG_VERSION")));

/// A builder for [`Client`], created by [`Client::builder`].
///
/// Without further settings the client is anonymous, trusts the roots of the system, and reads no
/// registries.conf. Nothing is read from the environment.
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    user_agent: HeaderValue,
    oauth_client_id: String,
    registries_conf: RegistriesConf,
    credentials: CredentialStore,
    trust: Trust,
    proxies: Proxies,
    timeouts: Timeouts,
    retry_policy: RetryPolicy,
    requests_per_host: usize,
    host_limits: HashMap<Host, HostLimits>,
    max_pulls: HashMap<String, u64>,
    document_memory: u64,
    vendor_credentials: VendorCredentials,
}

impl Client {
    /// Creates a builder. No file is read and no request is sent before [`ClientBuilder::build`].
    pub fn builder() -> ClientBuilder {
        let anonymous = CredentialSources {
            files: Vec::new(),
            helpers: Helpers::new(""),
        };
        ClientBuilder {
            user_agent: USER_AGENT,
            oauth_client_id: "registry-client".to_owned(),
            registries_conf: RegistriesConf::default(),
            credentials: CredentialStore::new(anonymous),
            trust: Trust::new(None, Vec::new()),
            proxies: Proxies::default(),
            timeouts: Timeouts::default(),
            retry_policy: RetryPolicy::default(),
            requests_per_host: REQUESTS_PER_HOST,
            host_limits: HashMap::new(),
            max_pulls: HashMap::new(),
            document_memory: DOCUMENT_MEMORY,
            vendor_credentials: VendorCredentials::default(),
        }
    }
}

impl ClientBuilder {
    /// Sets the `User-Agent` header, such as `product/1.0` (RFC 9110 §10.1.5).
    pub fn user_agent(self, user_agent: HeaderValue) -> Self {
        Self { user_agent, ..self }
    }

    /// Sets the `client_id` of token requests with an identity token. Registries log it and list it
    /// among the sessions of an account.
    ///
    /// Source: distribution, "OAuth2 Token Authentication".
    pub fn oauth_client_id(self, client_id: impl Into<String>) -> Self {
        let oauth_client_id = client_id.into();
        Self {
            oauth_client_id,
            ..self
        }
    }

    /// Sets the mirrors, rewritten locations, and blocked and insecure registries.
    pub fn registries_conf(self, registries_conf: RegistriesConf) -> Self {
        Self {
            registries_conf,
            ..self
        }
    }

    /// Sets the stored credentials.
    pub fn credentials(self, credentials: CredentialStore) -> Self {
        Self {
            credentials,
            ..self
        }
    }

    /// Sets the directories of certificates.
    pub fn trust(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Sets the proxies.
    pub fn proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Sets the timeouts.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// Sets the limits of attempts and pauses.
    pub fn retry_policy(self, retry_policy: RetryPolicy) -> Self {
        Self {
            retry_policy,
            ..self
        }
    }

    /// Sets the maximum number of concurrent requests to one host; 0 counts as 1.
    pub fn requests_per_host(self, requests_per_host: usize) -> Self {
        Self {
            requests_per_host,
            ..self
        }
    }

    /// Sets the limits of single hosts, by their names in image names.
    pub fn host_limits(self, host_limits: HashMap<Host, HostLimits>) -> Self {
        Self {
            host_limits,
            ..self
        }
    }

    /// Sets the maximum number of manifests that are read from a host, by its name in image names.
    pub fn max_pulls(self, max_pulls: HashMap<String, u64>) -> Self {
        Self { max_pulls, ..self }
    }

    /// Sets the credentials for vendors' APIs.
    pub fn vendor_credentials(self, vendor_credentials: VendorCredentials) -> Self {
        Self {
            vendor_credentials,
            ..self
        }
    }

    /// Sets the memory for manifests, lists and configs in bytes, 64 MiB without it. Seven sixteenths of it
    /// are for an image that does not fit beside others: one at a time from each host.
    ///
    /// Requests wait for memory. [`Error::DocumentMemory`](crate::Error::DocumentMemory) is the error of an
    /// image whose manifests do not fit into that part.
    pub fn document_memory(self, document_memory: u64) -> Self {
        Self {
            document_memory,
            ..self
        }
    }

    /// Creates the client and reads the certificates of the system. No request is sent.
    #[must_use]
    pub fn build(self) -> Client {
        let shared = Shared {
            user_agent: self.user_agent,
            oauth_client_id: self.oauth_client_id,
            timeouts: self.timeouts,
            retry_policy: self.retry_policy,
            credentials: self.credentials,
            trust: self.trust,
            proxies: Arc::new(self.proxies),
            requests_per_host: self.requests_per_host.max(1),
            host_limits: self.host_limits,
            max_pulls: self.max_pulls,
            requests: AtomicU64::new(0),
            in_flight: Arc::default(),
            streams: FairShare::new(STREAMS, STREAMS_PER_PAIR),
            system_roots: Arc::new(system_roots()),
            chunks: Semaphore::new(CHUNKS_IN_MEMORY),
            documents: DocumentMemory::new(self.document_memory),
            long_lists: FairShare::new(LONG_LISTS, LONG_LISTS_PER_HOST),
        };
        Client::new(self.registries_conf, self.vendor_credentials, shared)
    }
}
