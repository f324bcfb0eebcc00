//! nginx with TLS and HTTP/2 in front of a registry, as most public registries are reached: blobs
//! are redirected to a second host, which stands for their storage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use tempfile::TempDir;
use testkit::certificates::Authority;
use testkit::processes::{Nginx, ProxiedRequest, RegistryProcess, forward_to, free_address};

use crate::error::BenchError;
use crate::relay::Relay;

/// nginx in front of one registry, and the relays in front of its two hosts.
#[derive(Debug)]
pub(crate) struct TlsFront {
    nginx: Nginx,
    host: String,
    _relays: Vec<Relay>,
    _certificates: TempDir,
}

/// The connections of a run over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    pub(crate) opened: u64,
    /// Those with a whole handshake instead of a resumed session.
    pub(crate) full_handshakes: u64,
}

impl TlsFront {
    /// Starts nginx in front of a registry, with a certificate of the authority and a round trip in
    /// milliseconds.
    pub(crate) async fn start(
        registry: &RegistryProcess,
        authority: &Authority,
        ms: u64,
    ) -> Result<Self, BenchError> {
        let certificates = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        let certificate = authority.server();
        let write = |name: &str, text: &str| {
            let path = certificates.path().join(name);
            let written = fs::write(&path, text);
            written
                .map(|()| path.display().to_string())
                .map_err(BenchError::io("write a certificate"))
        };
        let pem = write("server.crt", certificate.certificate())?;
        let key = write("server.key", certificate.key())?;
        let [api, storage] = [free_address(), free_address()];
        let mut relays = Vec::new();
        let mut hosts = [api, storage];
        if ms > 0 {
            for host in &mut hosts {
                let relay = Relay::start(*host, Duration::from_millis(ms), None).await?;
                *host = relay.address();
                relays.push(relay);
            }
        }
        let forward = forward_to(registry.address());
        let tls = format!(
            "ssl http2; ssl_certificate {pem}; ssl_certificate_key {key}; client_max_body_size 0;"
        );
        let servers = format!(
            "ssl_session_cache shared:tls:10m; http2_max_concurrent_streams 256; keepalive_requests 100000;
server {{ listen {api} {tls}
    location ~ ^/v2/.*/blobs/sha256: {{ if ($request_method = GET) {{ return 307 https://{}$request_uri; }} {forward} }}
    location / {{ {forward} }} }}
server {{ listen {storage} {tls} location / {{ {forward} }} }}",
            hosts[1]
        );
        Ok(Self {
            nginx: Nginx::serve(api, &servers).await,
            host: hosts[0].to_string(),
            _relays: relays,
            _certificates: certificates,
        })
    }

    /// Returns the `HOST:PORT` for clients.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the process id of nginx.
    pub(crate) fn id(&self) -> u32 {
        self.nginx.id()
    }

    /// Returns the requests so far, redirects included.
    pub(crate) fn requests(&self) -> Vec<ProxiedRequest> {
        self.nginx.requests()
    }
}

impl Connections {
    /// Counts the connections of requests to one nginx.
    pub(crate) fn of(requests: &[ProxiedRequest]) -> Self {
        let connections: BTreeMap<u64, bool> = requests
            .iter()
            .map(|request| (request.connection, request.is_resumed))
            .collect();
        let full = connections.iter().filter(|(_, is_resumed)| !**is_resumed);
        let full: BTreeSet<_> = full.map(|(connection, _)| connection).collect();
        Self {
            opened: connections.len() as u64,
            full_handshakes: full.len() as u64,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            opened: self.opened + other.opened,
            full_handshakes: self.full_handshakes + other.full_handshakes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_once() {
        let request = |connection, is_resumed| ProxiedRequest {
            method: "GET".to_owned(),
            status: 200,
            length: None,
            connection,
            is_resumed,
        };
        let requests = [
            request(1, false),
            request(1, false),
            request(2, true),
            request(5, false),
        ];
        let expected = Connections {
            opened: 3,
            full_handshakes: 2,
        };
        assert_eq!(Connections::of(&requests), expected);
    }
}
