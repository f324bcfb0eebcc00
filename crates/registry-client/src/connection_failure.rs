//! Typed reasons for failed connections.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError};

/// The reason why a request got no complete response over its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// The host name has no address.
    NameResolution,
    /// The host refused the connection: no process listens on the port.
    Refused,
    /// The network has no route to the host.
    Unreachable,
    /// The connection was not established in time.
    TimedOut,
    /// The peer reset or closed the connection early.
    Closed,
    /// A proxy cannot be reached, or does not connect to the host.
    Proxy,
    /// The TLS handshake failed.
    Tls(TlsFailure),
    /// Any other reason.
    Other,
}

/// The reason why a TLS handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The peer's response is not TLS.
    NotTls,
    /// The peer's certificate is expired or not valid yet.
    CertificateDate,
    /// The peer's certificate is for another host name.
    CertificateName,
    /// The peer's certificate is not trusted for any other reason.
    UntrustedCertificate,
    /// The peer requires a client certificate.
    ClientCertificateRequired,
    /// The peer refused the client certificate.
    ClientCertificateRefused,
    /// Any other reason, such as no common protocol version.
    Other,
}

/// A failed look-up of a host name.
#[derive(Debug, thiserror::Error)]
#[error("cannot resolve {name}")]
pub(crate) struct ResolutionError {
    /// The host name.
    pub(crate) name: String,
    /// The system's error.
    pub(crate) source: io::Error,
}

impl ConnectionFailure {
    /// Classifies an error by the types among its causes.
    pub(crate) fn from_error(error: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(error);
        let mut failure = Self::Other;
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls(TlsFailure::from_rustls(tls));
            }
            if error.is::<ResolutionError>() {
                return Self::NameResolution;
            }
            if error
                .downcast_ref::<reqwest::Error>()
                .is_some_and(reqwest::Error::is_timeout)
            {
                failure = Self::TimedOut;
            }
            let io = error.downcast_ref::<io::Error>();
            if let Some(kind) = io.map(io::Error::kind) {
                failure = Self::from_kind(kind).unwrap_or(failure);
            }
            // An `io::Error` skips the error that it wraps when asked for its source.
            next = match io.and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        failure
    }

    fn from_kind(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::ConnectionRefused => Some(Self::Refused),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Some(Self::Unreachable),
            ErrorKind::TimedOut => Some(Self::TimedOut),
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Some(Self::Closed),
            _ => None,
        }
    }
}

impl TlsFailure {
    fn from_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::InvalidCertificate(error) => Self::from_certificate(error),
            rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
                Self::ClientCertificateRequired
            }
            rustls::Error::AlertReceived(
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificateRefused,
            _ => Self::Other,
        }
    }

    fn from_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::CertificateDate,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::CertificateName
            }
            _ => Self::UntrustedCertificate,
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Connect(#[source] io::Error);

    #[test]
    fn connection_failures_are_classified_by_type() {
        let tls = |error: rustls::Error| io::Error::new(ErrorKind::InvalidData, error);
        let invalid = |error| tls(rustls::Error::InvalidCertificate(error));
        let alert = |alert| tls(rustls::Error::AlertReceived(alert));
        let unresolved = ResolutionError {
            name: "r.io".to_owned(),
            source: io::Error::other("no such name"),
        };
        let table = [
            (
                io::Error::other(unresolved),
                ConnectionFailure::NameResolution,
            ),
            (
                ErrorKind::ConnectionRefused.into(),
                ConnectionFailure::Refused,
            ),
            (
                ErrorKind::NetworkUnreachable.into(),
                ConnectionFailure::Unreachable,
            ),
            (ErrorKind::TimedOut.into(), ConnectionFailure::TimedOut),
            (ErrorKind::ConnectionReset.into(), ConnectionFailure::Closed),
            (ErrorKind::UnexpectedEof.into(), ConnectionFailure::Closed),
            (io::Error::other("dns refused"), ConnectionFailure::Other),
            (
                tls(rustls::Error::InvalidMessage(
                    InvalidMessage::InvalidContentType,
                )),
                ConnectionFailure::Tls(TlsFailure::NotTls),
            ),
            (
                invalid(CertificateError::Expired),
                ConnectionFailure::Tls(TlsFailure::CertificateDate),
            ),
            (
                invalid(CertificateError::NotValidForName),
                ConnectionFailure::Tls(TlsFailure::CertificateName),
            ),
            (
                invalid(CertificateError::UnknownIssuer),
                ConnectionFailure::Tls(TlsFailure::UntrustedCertificate),
            ),
            (
                alert(AlertDescription::CertificateRequired),
                ConnectionFailure::Tls(TlsFailure::ClientCertificateRequired),
            ),
            (
                alert(AlertDescription::UnknownCA),
                ConnectionFailure::Tls(TlsFailure::ClientCertificateRefused),
            ),
            (
                alert(AlertDescription::HandshakeFailure),
                ConnectionFailure::Tls(TlsFailure::Other),
            ),
        ];
        for (error, want) in table {
            let error = Connect(error);
            let found = ConnectionFailure::from_error(&error);
            assert_eq!(found, want, "{:?}", error.0);
        }
    }
}
