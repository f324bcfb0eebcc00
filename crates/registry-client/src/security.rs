//! The scheme of a host and the verification of its certificate.

use std::net::IpAddr;

use url::Url;

use crate::trust::CertificateDirectory;

/// The transport security of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// Verified TLS.
    Https,
    /// http, for loopback hosts.
    Http,
    /// TLS without verification, and http if there is no TLS (containers-registries.conf(5),
    /// `insecure`).
    Insecure,
    /// Verified TLS, and http if there is no TLS: for loopback hosts with a certificate directory for
    /// all hosts.
    HttpsPreferred,
}

impl Security {
    /// Returns the security of a host. Loopback hosts use http, unless they have a certificate
    /// directory or `insecure = false`, as with docker and podman.
    pub(crate) fn new(
        authority: &str,
        insecure: Option<bool>,
        directory: Option<CertificateDirectory>,
    ) -> Self {
        let loopback = is_loopback(authority);
        match (insecure, directory) {
            (Some(true), _) => Self::Insecure,
            (None, None) if loopback => Self::Http,
            (None, Some(CertificateDirectory::AllHosts)) if loopback => Self::HttpsPreferred,
            _ => Self::Https,
        }
    }

    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https | Self::Insecure | Self::HttpsPreferred => "https",
        }
    }
}

/// Returns whether `HOST[:PORT]` is a loopback host. Names below `localhost` are not: a name server may
/// resolve them to any address.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Returns whether a URL has a user or a password. A peer that chooses a URL would choose the
/// `Authorization` of the request with them.
pub(crate) fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Returns whether an address belongs to this machine or to its link.
pub(crate) fn is_local(address: &IpAddr) -> bool {
    let address = address.to_canonical();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    is_link_local || address.is_loopback() || address.is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_loopback_hosts_without_certificates() {
        let (own, all) = (
            Some(CertificateDirectory::Host),
            Some(CertificateDirectory::AllHosts),
        );
        let cases = [
            ("127.0.0.1:5000", None, None, Security::Http),
            ("localhost:5000", None, None, Security::Http),
            ("[::1]:5000", None, None, Security::Http),
            ("127.0.0.1:5000", None, own, Security::Https),
            ("127.0.0.1:5000", None, all, Security::HttpsPreferred),
            ("127.0.0.1:5000", Some(false), None, Security::Https),
            ("127.0.0.1:5000", Some(false), all, Security::Https),
            ("127.0.0.1:5000", Some(true), all, Security::Insecure),
            ("registry.example.com", None, None, Security::Https),
            ("registry.example.com", None, all, Security::Https),
            ("registry.example.com", Some(true), None, Security::Insecure),
            ("127.example.com", None, None, Security::Https),
            ("registry.localhost:5000", None, None, Security::Https),
            ("LOCALHOST:5000", None, None, Security::Http),
        ];
        for (authority, insecure, directory, expected) in cases {
            assert_eq!(
                Security::new(authority, insecure, directory),
                expected,
                "{authority}"
            );
        }
    }
}
