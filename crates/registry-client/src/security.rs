//! http or https, and whom to trust.

use std::net::IpAddr;

use crate::trust::CertificateDirectory;

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
    /// TLS, verified, and plain where there is evidently no TLS: for loopback
    /// hosts under `--cert-dir`, which says nothing of a single host.
    HttpsPreferred,
}

impl Security {
    /// Loopback hosts are plain unless a certificate folder or
    /// `insecure = false` says otherwise, as docker and podman do it.
    pub(crate) fn of(
        authority: &str,
        insecure: Option<bool>,
        folder: Option<CertificateDirectory>,
    ) -> Self {
        let loopback = is_loopback(authority);
        match (insecure, folder) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_and_for_hosts_marked_insecure() {
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
