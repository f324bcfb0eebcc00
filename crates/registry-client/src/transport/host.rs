//! One registry host.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use image_name::RepositoryPath;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::Semaphore;
use url::Url;

use super::circuit_breaker::CircuitBreaker;
use super::host_clients::HostClients;
use super::host_limit::{HostLimit, HostLimits, Permit};
use super::http_client::{HttpClientSettings, Purpose};
use super::in_flight::InFlight;
use super::in_process::InProcessRegistry;
use super::peer::Peer;
use super::pull_quota::PullQuota;
use super::retry_policy::RetryPolicy;
use super::timeouts::Timeouts;
use crate::auth::{AuthState, Authorization, ReadAccess, Scheme};
use crate::capabilities::Capabilities;
use crate::connection_failure::{ConnectionFailure, TlsFailure};
use crate::credentials::{Credential, CredentialError, CredentialStore, LoginLocation};
use crate::document_memory::DocumentMemory;
use crate::error::Error;
use crate::fair_share::FairShare;
use crate::probe_gate::ProbeGate;
use crate::proxies::Proxies;
use crate::security::Security;
use crate::trust::{HostTrust, Trust};

/// The settings and limits that all hosts of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) timeouts: Timeouts,
    pub(crate) retry_policy: RetryPolicy,
    /// Product name and version, sent with every request.
    pub(crate) user_agent: HeaderValue,
    /// The name of this program at token servers (OAuth2).
    pub(crate) oauth_client_id: String,
    pub(crate) credentials: CredentialStore,
    pub(crate) trust: Trust,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) system_roots: Arc<RootCertStore>,
    /// The maximum number of concurrent requests to one host.
    pub(crate) requests_per_host: usize,
    /// The limits of single hosts.
    pub(crate) host_limits: HashMap<image_name::Host, HostLimits>,
    /// Permits for streamed blobs: each holds buffers on two connections. By source and destination
    /// host.
    pub(crate) streams: FairShare<[String; 2]>,
    /// The maximum number of manifests to read, by host name.
    pub(crate) max_pulls: HashMap<String, u64>,
    /// The number of HTTP requests sent.
    pub(crate) requests: AtomicU64,
    /// The requests whose responses have not been read to the end.
    pub(crate) in_flight: Arc<InFlight>,
    /// Permits for chunks in memory.
    pub(crate) chunks: Semaphore,
    /// The memory for documents.
    pub(crate) documents: DocumentMemory,
    /// Permits for tag lists of several pages, by host.
    pub(crate) long_lists: FairShare<String>,
}

/// A registry host: its address, clients, limit, authentication and capabilities.
#[derive(Debug)]
pub(crate) struct Host {
    /// The host in image names: `docker.io`, `quay.io`, `127.0.0.1:5000`.
    name: String,
    security: Security,
    /// The scheme of the first response: [`UNKNOWN`], [`HTTPS`] or [`HTTP`].
    detected_scheme: AtomicU8,
    pub(super) clients: HostClients,
    trust: HostTrust,
    /// The client for redirects to other hosts.
    redirect_client: OnceLock<reqwest::Client>,
    pub(crate) peer: Peer,
    /// The token server, which may be another host. Its limit only serves for pauses.
    pub(crate) token_server: Peer,
    pub(super) auth: AuthState,
    pub(super) auth_probe: ProbeGate,
    pub(crate) capabilities: Capabilities,
    pub(crate) quota: Arc<PullQuota>,
    read_access: ReadAccess,
    /// The registry, if it is inside this process.
    pub(super) in_process: Option<Arc<dyn InProcessRegistry>>,
    pub(crate) shared: Arc<Shared>,
}

/// The host in the URLs of a registry inside this process whose name is that of a file.
const LOCAL_AUTHORITY: &str = "local.invalid";

const UNKNOWN: u8 = 0;
const HTTPS: u8 = 1;
const HTTP: u8 = 2;

/// Concurrent requests to a host before its first response.
const STARTING_LIMIT: usize = 64;

impl Host {
    pub(crate) fn new(
        name: &str,
        insecure: Option<bool>,
        shared: &Arc<Shared>,
    ) -> Result<Self, Error> {
        let trust = shared
            .trust
            .for_host(name)
            .map_err(|error| Error::trust(name, &error))?;
        let security = Security::new(authority(name), insecure, trust.directory);
        Self::with_security(name, security, trust, shared)
    }

    /// Creates a host that is contacted without TLS, although it is not a loopback host: it provides the
    /// keys of a container at a link-local address.
    pub(crate) fn over_http(name: &str, shared: &Arc<Shared>) -> Result<Self, Error> {
        Self::with_security(name, Security::Http, HostTrust::default(), shared)
    }

    /// Creates the host of a registry inside this process.
    pub(crate) fn in_process(
        name: &str,
        registry: Arc<dyn InProcessRegistry>,
        shared: &Arc<Shared>,
    ) -> Result<Self, Error> {
        Ok(Self {
            in_process: Some(registry),
            ..Self::over_http(name, shared)?
        })
    }

    fn with_security(
        name: &str,
        security: Security,
        trust: HostTrust,
        shared: &Arc<Shared>,
    ) -> Result<Self, Error> {
        let authority = authority(name);
        let settings = client_settings(shared);
        let build = |purpose| settings.build(authority, security, &trust, purpose);
        let clients = HostClients::new(build(Purpose::Api)?, build(Purpose::Blobs)?);
        let peer = |limit| Peer {
            limit: Arc::new(limit),
            breaker: CircuitBreaker::new(shared.retry_policy.initial_backoff),
        };
        Ok(Self {
            name: name.to_owned(),
            security,
            detected_scheme: AtomicU8::new(UNKNOWN),
            clients,
            trust,
            redirect_client: OnceLock::new(),
            peer: peer(host_limit(name, shared)),
            token_server: peer(HostLimit::new(1, 1)),
            auth: AuthState::new(),
            auth_probe: ProbeGate::new(),
            capabilities: Capabilities::for_host(name),
            quota: Arc::new(PullQuota::new(
                shared.max_pulls.get(name).copied(),
                shared.retry_policy.max_wait,
            )),
            read_access: ReadAccess::default(),
            in_process: None,
            shared: Arc::clone(shared),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Records a successful read of a repository. A client certificate is a credential too.
    pub(super) fn record_access(&self, repository: &RepositoryPath, used: &Authorization) {
        let with_credentials = used.authenticated || self.trust.identity_pem.is_some();
        self.read_access.record(repository, with_credentials);
    }

    /// Returns true if the repository was read, and never with credentials.
    pub(crate) fn reads_anonymously(&self, repository: &RepositoryPath) -> bool {
        self.read_access.is_anonymous(repository)
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        &self.shared.timeouts
    }

    pub(crate) fn retry_policy(&self) -> &RetryPolicy {
        &self.shared.retry_policy
    }

    /// Returns the root of the registry API, `/v2/`.
    pub(crate) fn api_root(&self) -> Result<Url, Error> {
        self.address("v2/")
    }

    /// Returns a URL of this host. `target` is path and query without the first slash.
    pub(crate) fn address(&self, target: &str) -> Result<Url, Error> {
        let scheme = if self.detected_scheme.load(Ordering::Relaxed) == HTTP {
            "http"
        } else {
            self.security.scheme()
        };
        let authority = match &self.in_process {
            Some(_) if self.name.contains('/') || self.name.contains(':') => LOCAL_AUTHORITY,
            _ => authority(&self.name),
        };
        let text = format!("{scheme}://{authority}/{target}");
        text.parse().map_err(|error| Error::Unsafe {
            host: self.name.clone(),
            what: format!("not a valid host name in a URL ({error})"),
        })
    }

    /// Returns whether a URL belongs to this host, so that it may receive credentials. A URL without
    /// TLS does not if the host is reached over TLS.
    pub(crate) fn is_own_url(&self, url: &Url) -> bool {
        let home = self.api_root();
        home.is_ok_and(|home| {
            home.host() == url.host()
                && home.port() == url.port()
                && (home.scheme() == url.scheme() || url.scheme() == "https")
        })
    }

    /// Returns the client for a blob at a URL: that of the host, or one without a client certificate
    /// for another host.
    pub(super) fn client_for(&self, url: &Url) -> Result<&reqwest::Client, Error> {
        if self.is_own_url(url) {
            return Ok(self.clients.blobs());
        }
        let authority = url.host_str().unwrap_or_default();
        if let Some(client) = self.redirect_client.get() {
            return Ok(client);
        }
        let settings = client_settings(&self.shared);
        let client = settings.build(authority, self.security, &self.trust, Purpose::Redirects)?;
        Ok(self.redirect_client.get_or_init(|| client))
    }

    /// Notes a response of the host at a URL.
    pub(super) fn record_response(&self, url: &Url) {
        self.peer.breaker.record_response();
        if self.detected_scheme.load(Ordering::Relaxed) == UNKNOWN {
            let scheme = if url.scheme() == "https" { HTTPS } else { HTTP };
            self.detected_scheme.store(scheme, Ordering::Relaxed);
        }
    }

    /// Returns a URL of this host with the scheme of its first response.
    pub(super) fn with_detected_scheme(&self, mut url: Url) -> Url {
        let is_http = self.detected_scheme.load(Ordering::Relaxed) == HTTP;
        if is_http && self.security != Security::Http && self.is_own_url(&url) {
            url.set_scheme("http").ok();
        }
        url
    }

    /// Notes that a connection to a URL was established: after a TLS handshake, a host that closes it (as one that
    /// requires a client certificate does) is not contacted without TLS.
    pub(super) fn note_connected(&self, url: &Url) {
        if url.scheme() == "https" && self.is_own_url(url) {
            self.detected_scheme
                .compare_exchange(UNKNOWN, HTTPS, Ordering::Relaxed, Ordering::Relaxed)
                .ok();
        }
    }

    /// Changes a URL of this host to plain HTTP after a failed TLS connection. Returns whether the host
    /// permits it. The scheme of the first response is kept, so a host that has responded over TLS is
    /// never contacted without.
    pub(super) fn fall_back_to_http(&self, url: &mut Url, error: &Error) -> bool {
        let no_tls = matches!(
            error,
            Error::Connection {
                failure: ConnectionFailure::Tls(TlsFailure::NotTls),
                ..
            }
        );
        let was_closed = matches!(
            error,
            Error::Connection {
                failure: ConnectionFailure::Closed,
                ..
            }
        );
        let is_permitted = match self.security {
            Security::Https | Security::Http => false,
            // A loopback host may also close the connection on what is no HTTP.
            Security::HttpsPreferred => no_tls || was_closed,
            // Also where nothing listens on 443, or the handshake is cut off.
            Security::Insecure => !matches!(error, Error::Tls { .. }),
        };
        is_permitted
            && self.detected_scheme.load(Ordering::Relaxed) != HTTPS
            && self.is_own_url(url)
            && url.scheme() == "https"
            && url.set_scheme("http").is_ok()
    }

    /// Returns the URL of the token server that the host has named.
    pub(crate) fn token_realm(&self) -> Option<Arc<Url>> {
        match self.auth.scheme() {
            Scheme::Bearer { realm, .. } => Some(realm),
            Scheme::Anonymous | Scheme::Basic => None,
        }
    }

    /// Waits for a permit for one request.
    pub(crate) async fn permit(&self) -> Result<Permit, Error> {
        self.peer
            .limit
            .acquire(&self.name, self.shared.retry_policy.max_wait)
            .await
    }

    /// Returns the stored credential for a repository of this host.
    pub(crate) async fn credential(&self, repository: &str) -> Result<Option<Credential>, Error> {
        let found = self.shared.credentials.lookup(&self.name, repository).await;
        found.map_err(|error| self.unreadable(error))
    }

    /// Returns where the stored credential for a repository comes from, and its user.
    pub(crate) async fn credential_location(
        &self,
        repository: &str,
    ) -> Result<Option<(LoginLocation, Option<String>)>, Error> {
        let found = self.shared.credentials.locate(&self.name, repository).await;
        let found = found.map_err(|error| self.unreadable(error))?;
        Ok(found.map(|(credential, location)| (location, credential.username())))
    }

    /// Returns the TLS settings for requests to the API, `None` for a host without verified TLS.
    pub(super) fn tls_config(&self) -> Option<Arc<ClientConfig>> {
        if !matches!(self.security, Security::Https | Security::HttpsPreferred) {
            return None;
        }
        client_settings(&self.shared).tls_config(&self.trust)
    }

    /// Returns a credential other than `refused`, to which the host responded with 401: the credential
    /// of a helper may have expired.
    pub(crate) async fn other_credential(
        &self,
        repository: &str,
        refused: &Credential,
    ) -> Result<Option<Credential>, Error> {
        let credentials = &self.shared.credentials;
        let renewed = credentials.renew(&self.name, repository, refused).await;
        let renewed = renewed.map_err(|error| self.unreadable(error))?;
        Ok(renewed.filter(|renewed| renewed != refused))
    }

    fn unreadable(&self, error: CredentialError) -> Error {
        Error::Credentials {
            host: self.name.clone(),
            source: Arc::new(error),
        }
    }
}

/// Returns the limit of a host, its own or that of all hosts.
fn host_limit(name: &str, shared: &Shared) -> HostLimit {
    let parsed: Option<image_name::Host> = name.parse().ok();
    let own = parsed.and_then(|host| shared.host_limits.get(&host).copied());
    let HostLimits { requests, interval } = own.unwrap_or_default();
    let max = requests.unwrap_or(shared.requests_per_host);
    HostLimit::new(STARTING_LIMIT, max).with_interval(interval)
}

fn client_settings(shared: &Shared) -> HttpClientSettings<'_> {
    HttpClientSettings {
        system_roots: &shared.system_roots,
        user_agent: &shared.user_agent,
        timeouts: &shared.timeouts,
        proxies: &shared.proxies,
        max_idle: shared.requests_per_host,
    }
}

/// Returns the host of the API. That of Docker Hub is not the host in image names.
fn authority(name: &str) -> &str {
    if image_name::is_docker_hub(name) {
        image_name::DOCKER_HUB_API
    } else {
        name
    }
}
