//! http or https, and whom to trust.

use std::net::IpAddr;

use crate::error::Error;
use crate::trust::HostTrust;

use super::patience::Patience;

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS, verified.
    Https,
    /// Plain, because the host is this machine.
    Http,
    /// Marked insecure: TLS without verification, and plain where there is no
    /// TLS (containers-registries.conf(5), `insecure`).
    Insecure,
}

impl Security {
    /// Loopback hosts are plain unless a certificate folder or
    /// `insecure = false` says otherwise, as docker and podman do it.
    pub(crate) fn of(authority: &str, insecure: Option<bool>, has_cert_folder: bool) -> Self {
        match insecure {
            Some(true) => Self::Insecure,
            None if is_loopback(authority) && !has_cert_folder => Self::Http,
            _ => Self::Https,
        }
    }

    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https | Self::Insecure => "https",
        }
    }
}

/// Whether `HOST[:PORT]` is this machine.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The HTTP client of one host: its own trust, its own warm connections.
///
/// HTTP/1.1 only: blobs over HTTP/2 cost about half more wall time, measured
/// with large windows too. Redirects are ours to follow, so that credentials
/// stay where they belong.
pub(crate) fn http_client(
    authority: &str,
    security: Security,
    trust: &HostTrust,
    patience: &Patience,
    most: usize,
) -> Result<reqwest::Client, Error> {
    let unusable = |error: reqwest::Error| Error::Trust {
        host: authority.to_owned(),
        detail: std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), ToString::to_string),
    };
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("mirror/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .tcp_nodelay(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(patience.connect)
        .pool_max_idle_per_host(most)
        .tls_danger_accept_invalid_certs(security == Security::Insecure);
    if is_loopback(authority) {
        builder = builder.no_proxy();
    }
    let mut roots = Vec::new();
    for pem in &trust.ca_pems {
        roots.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?);
    }
    if !roots.is_empty() {
        builder = builder.tls_certs_merge(roots);
    }
    if let Some(pem) = &trust.identity_pem {
        builder = builder.identity(reqwest::Identity::from_pem(pem).map_err(unusable)?);
    }
    builder.build().map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_and_for_hosts_marked_insecure() {
        let cases = [
            ("127.0.0.1:5000", None, false, Security::Http),
            ("localhost:5000", None, false, Security::Http),
            ("[::1]:5000", None, false, Security::Http),
            ("127.0.0.1:5000", None, true, Security::Https),
            ("127.0.0.1:5000", Some(false), false, Security::Https),
            ("registry.example.com", None, false, Security::Https),
            (
                "registry.example.com",
                Some(true),
                false,
                Security::Insecure,
            ),
            ("127.example.com", None, false, Security::Https),
        ];
        for (authority, insecure, folder, expected) in cases {
            assert_eq!(
                Security::of(authority, insecure, folder),
                expected,
                "{authority}"
            );
        }
    }
}
