//! Creates HTTP clients with the trust of a host.

use std::sync::Arc;

use http::HeaderValue;
use reqwest::Proxy;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::resolver::SystemResolver;
use super::server_verifier::ServerVerifier;
use super::timeouts::Timeouts;
use crate::error::Error;
use crate::proxies::Proxies;
use crate::security::Security;
use crate::trust::HostTrust;

/// Reads the root certificates of the system: `SSL_CERT_FILE`, `SSL_CERT_DIR`, or the directory of the
/// distribution. It takes milliseconds, so it is done once for all hosts. No roots are not an error:
/// hosts with their own authority, and loopback hosts, need none.
pub(crate) fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "cannot read some certificates of the system");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// The requests that a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// API requests to the host itself, with the client certificate and HTTP/2.
    Api,
    /// Blobs at the host itself, with the client certificate.
    Blobs,
    /// Targets of redirects (CDNs, object stores). The authorities of the host are trusted there too,
    /// as in docker and podman, but the client certificate is not sent.
    Redirects,
}

/// The settings that all clients share.
#[derive(Debug)]
pub(crate) struct HttpClientSettings<'a> {
    pub(crate) system_roots: &'a Arc<RootCertStore>,
    pub(crate) user_agent: &'a HeaderValue,
    pub(crate) timeouts: &'a Timeouts,
    pub(crate) proxies: &'a Arc<Proxies>,
    /// The maximum number of idle connections.
    pub(crate) max_idle: usize,
}

impl HttpClientSettings<'_> {
    /// Creates a client for `authority`.
    ///
    /// Blobs do not use HTTP/2, which takes half as much time again, also with large windows. The
    /// caller follows redirects, so that credentials stay with the host.
    pub(crate) fn build(
        &self,
        authority: &str,
        security: Security,
        trust: &HostTrust,
        purpose: Purpose,
    ) -> Result<reqwest::Client, Error> {
        let unusable = |detail: String| Error::Trust {
            host: authority.to_owned(),
            detail,
        };
        let identity = trust
            .identity_pem
            .as_deref()
            .filter(|_| purpose != Purpose::Redirects);
        let mut builder = reqwest::Client::builder()
            .user_agent(self.user_agent.clone())
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .dns_resolver(SystemResolver)
            .connect_timeout(self.timeouts.connect)
            .pool_max_idle_per_host(self.max_idle);
        if purpose != Purpose::Api {
            builder = builder.http1_only();
        }
        builder = builder.no_proxy();
        if !self.proxies.is_empty() {
            let proxies = Arc::clone(self.proxies);
            builder = builder.proxy(Proxy::custom(move |url| proxies.for_url(url).cloned()));
        }
        builder = if security == Security::Insecure {
            let mut builder = builder
                .tls_version_min(reqwest::tls::Version::TLS_1_2)
                .tls_danger_accept_invalid_certs(true);
            if let Some(pem) = identity {
                let identity = reqwest::Identity::from_pem(pem);
                builder = builder.identity(identity.map_err(|error| unusable(causes(&error)))?);
            }
            builder
        } else {
            let config = self.tls(trust, identity, purpose);
            builder.tls_backend_preconfigured(config.map_err(|error| unusable(error.to_string()))?)
        };
        builder.build().map_err(|error| unusable(causes(&error)))
    }

    /// Returns the TLS settings of API requests, `None` if certificates cannot be used.
    pub(crate) fn tls_config(&self, trust: &HostTrust) -> Option<Arc<ClientConfig>> {
        let identity = trust.identity_pem.as_deref();
        self.tls(trust, identity, Purpose::Api).ok().map(Arc::new)
    }

    /// Returns the TLS settings: TLS 1.2 and 1.3, the roots of the system and of the host.
    fn tls(
        &self,
        trust: &HostTrust,
        identity: Option<&[u8]>,
        purpose: Purpose,
    ) -> Result<ClientConfig, TlsConfigError> {
        let mut roots = Arc::clone(self.system_roots);
        let mut own = Vec::new();
        for pem in &trust.ca_pems {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate?;
                Arc::make_mut(&mut roots).add(certificate.clone())?;
                own.push(certificate);
            }
        }
        let config = ClientConfig::builder();
        let config = if own.is_empty() {
            config.with_root_certificates(roots)
        } else {
            let verifier = Arc::new(ServerVerifier::new(roots, own)?);
            config
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        };
        let mut config = match identity {
            Some(pem) => {
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
                config.with_client_auth_cert(chain?, PrivateKeyDer::from_pem_slice(pem)?)?
            }
            None => config.with_no_client_auth(),
        };
        let versions: &[&[u8]] = match purpose {
            Purpose::Api => &[b"h2", b"http/1.1"],
            Purpose::Blobs | Purpose::Redirects => &[b"http/1.1"],
        };
        config.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
        Ok(config)
    }
}

#[derive(Debug, thiserror::Error)]
enum TlsConfigError {
    #[error("{0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
    #[error("{0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// Returns the message of the cause: reqwest's own says only that building failed.
fn causes(error: &reqwest::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
