//! Verification of the certificates of servers.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// The verification of rustls, which also accepts a server's own certificate in the certificate
/// directory of its host.
///
/// Self-signed certificates of `openssl req -x509` are marked as authorities, and rustls accepts no
/// authority as a server. OpenSSL and Go do where the certificate itself is trusted, so docker, podman
/// and skopeo do as well. Its dates and names are checked as those of any other.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    by_authority: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl ServerVerifier {
    /// Creates a verifier. `trusted` are the certificates of the host's directory, which are among
    /// `roots`.
    ///
    /// # Errors
    ///
    /// [`VerifierBuilderError`] without any root.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        trusted: Vec<CertificateDer<'static>>,
    ) -> Result<Self, VerifierBuilderError> {
        Ok(Self {
            by_authority: WebPkiServerVerifier::builder(roots).build()?,
            trusted,
        })
    }

    /// Returns whether a certificate is accepted in spite of an error. rustls checks the dates first, so
    /// any other error means that they are right.
    fn is_trusted_itself(
        &self,
        certificate: &CertificateDer<'_>,
        error: &CertificateError,
    ) -> bool {
        let about_content = matches!(
            error,
            CertificateError::BadEncoding
                | CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
                | CertificateError::Revoked
                | CertificateError::UnhandledCriticalExtension
        );
        !about_content && self.trusted.iter().any(|trusted| trusted == certificate)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.by_authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(Error::InvalidCertificate(error)) if self.is_trusted_itself(end_entity, &error) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.by_authority
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}
