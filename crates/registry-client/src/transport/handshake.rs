//! A TLS handshake for its own sake: the version and the certificate of a registry.

use std::net::TcpStream;
use std::sync::Arc;

use http::Method;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion};
use url::Url;

use super::host::Host;
use super::redirects::connection_error;
use super::resolver::addresses;
use crate::api_check::TlsInfo;
use crate::certificate::CertificateInfo;
use crate::error::Error;
use crate::redact;
use crate::timeout_phase::TimeoutPhase;

impl Host {
    /// Returns the version and certificate of a TLS connection, `None` without TLS, without verification
    /// and behind a proxy.
    pub(crate) async fn tls_info(&self) -> Result<Option<TlsInfo>, Error> {
        let url = self.api_root()?;
        let proxied = self.shared.proxies.for_url(&url).is_some();
        let Some(config) = self
            .tls_config()
            .filter(|_| url.scheme() == "https" && !proxied)
        else {
            return Ok(None);
        };
        let patience = self.timeouts().connect;
        let Some(address) = addresses(&url, patience).await.into_iter().next() else {
            return Ok(None);
        };
        let port = url.port_or_known_default().unwrap_or(443);
        let request = url.clone();
        let connected = tokio::task::spawn_blocking(move || {
            let stream = TcpStream::connect_timeout(&(address, port).into(), patience)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            handshake(config, &request, stream)
        });
        match tokio::time::timeout(3 * patience, connected).await {
            Ok(Ok(Ok(info))) => Ok(Some(info)),
            Ok(Ok(Err(error))) => Err(connection_error(&Method::GET, &url, &error)),
            Ok(Err(_)) | Err(_) => Err(Error::Timeout {
                method: Method::GET,
                url: redact::url(&url),
                phase: TimeoutPhase::Response,
                after: 3 * patience,
            }),
        }
    }
}

/// Shakes hands. Blocks.
fn handshake(
    config: Arc<ClientConfig>,
    url: &Url,
    mut stream: TcpStream,
) -> Result<TlsInfo, std::io::Error> {
    let host = url.host_str().unwrap_or_default();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
    let name = name.map_err(std::io::Error::other)?;
    let mut connection = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let certificates = connection.peer_certificates().unwrap_or_default();
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        other => format!("{other:?}"),
    };
    Ok(TlsInfo {
        version,
        certificate: certificates
            .first()
            .and_then(|certificate| CertificateInfo::from_der(certificate)),
    })
}
