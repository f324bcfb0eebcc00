//! One registry host and everything known of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use url::Url;

use super::first_answer::FirstAnswer;
use super::limit::HostLimit;
use super::patience::Patience;
use super::security::{self, Security};
use crate::auth::Authenticator;
use crate::capabilities::Capabilities;
use crate::credentials::{Credential, CredentialStore};
use crate::error::Error;
use crate::trust::Trust;

/// What all hosts of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) patience: Patience,
    pub(crate) credentials: CredentialStore,
    pub(crate) trust: Trust,
    /// The most requests under way at one host.
    pub(crate) jobs: usize,
    /// Every HTTP request sent.
    pub(crate) requests: AtomicU64,
    /// For redirects to hosts that are no registries (CDNs).
    pub(crate) elsewhere: reqwest::Client,
}

/// A registry host: its address, its client, its limit, its authentication
/// and what it has shown that it can do.
#[derive(Debug)]
pub(crate) struct Host {
    /// As in names: `docker.io`, `quay.io`, `127.0.0.1:5000`.
    name: String,
    security: Security,
    /// Set once a host marked insecure has shown that it speaks no TLS.
    plain: AtomicBool,
    pub(super) http: reqwest::Client,
    pub(super) limit: Arc<HostLimit>,
    pub(super) auth: Authenticator,
    pub(super) first_contact: FirstAnswer,
    pub(crate) capabilities: Capabilities,
    pub(crate) shared: Arc<Shared>,
}

/// Requests a host gets at once before it has shown what it bears.
const STARTING_LIMIT: usize = 32;

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
        let authority = authority(name);
        let security = Security::of(authority, insecure, trust.folder.is_some());
        let http =
            security::http_client(authority, security, &trust, &shared.patience, shared.jobs)?;
        Ok(Self {
            name: name.to_owned(),
            security,
            plain: AtomicBool::new(false),
            http,
            limit: Arc::new(HostLimit::new(STARTING_LIMIT, shared.jobs)),
            auth: Authenticator::new(),
            first_contact: FirstAnswer::new(),
            capabilities: Capabilities::of(name),
            shared: Arc::clone(shared),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_loopback(&self) -> bool {
        security::is_loopback(authority(&self.name))
    }

    pub(crate) fn patience(&self) -> &Patience {
        &self.shared.patience
    }

    /// The URL of an endpoint, `path` being what follows `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        let scheme = if self.plain.load(Ordering::Relaxed) {
            "http"
        } else {
            self.security.scheme()
        };
        let text = format!("{scheme}://{}/v2/{path}", authority(&self.name));
        text.parse().map_err(|error| Error::Unsafe {
            host: self.name.clone(),
            what: format!("this is no host name that a URL can carry ({error})"),
        })
    }

    /// Whether a URL is this host's, so that it may see who we are.
    pub(super) fn is_home(&self, url: &Url) -> bool {
        let home = self.url("");
        home.is_ok_and(|home| home.host() == url.host() && home.port() == url.port())
    }

    /// For a host marked insecure that could not be reached over TLS: turns to
    /// plain HTTP, in this URL and from now on.
    pub(super) fn falls_back_to_plain(&self, url: &mut Url) -> bool {
        let falls = self.security == Security::Insecure
            && url.scheme() == "https"
            && url.set_scheme("http").is_ok();
        if falls {
            self.plain.store(true, Ordering::Relaxed);
        }
        falls
    }

    /// A place among the host's requests.
    pub(crate) async fn permit(&self) -> Result<super::limit::Permit, Error> {
        self.limit
            .acquire(&self.name, self.shared.patience.max_wait)
            .await
    }

    /// The stored credential for a repository of this host.
    pub(crate) async fn credential(&self, repository: &str) -> Result<Option<Credential>, Error> {
        let found = self.shared.credentials.lookup(&self.name, repository).await;
        found.map_err(|error| Error::Credentials {
            host: self.name.clone(),
            source: Arc::new(error),
        })
    }
}

/// Where the API is served: Docker Hub's is not at the host of its names.
fn authority(name: &str) -> &str {
    match name {
        "docker.io" | "index.docker.io" => "registry-1.docker.io",
        other => other,
    }
}
