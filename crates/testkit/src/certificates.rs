//! A certificate authority for one test, and the certificates that it signs.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// A certificate authority with a new key.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, both in PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    certificate: String,
    key: String,
}

impl Certificate {
    /// Returns the certificate in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Creates a certificate for a server with these names that signs itself and is marked as an
    /// authority, like those of `openssl req -x509`.
    pub fn self_signed(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("generate a key");
        let certificate = params.self_signed(&key).expect("sign the certificate");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Returns the private key in PEM (PKCS #8).
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Authority {
    /// Creates an authority.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        let key = KeyPair::generate().expect("generate a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("sign the authority");
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// Returns the certificate of the authority in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a certificate for a server on 127.0.0.1 and localhost.
    pub fn server(&self) -> Certificate {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(names).expect("names of loopback");
        self.sign(params, "server", ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Signs a certificate for a client with this name.
    pub fn client(&self, name: &str) -> Certificate {
        let params = CertificateParams::default();
        self.sign(params, name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        name: &str,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Certificate {
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![purpose];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().expect("generate a key");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("sign a certificate");
        Certificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Writes `DIRECTORY/HOST/ca.crt` and, for a client with a certificate, `client.cert` and
    /// `client.key`, as described in containers-certs.d(5). `host` is `127.0.0.1:PORT`. Returns the
    /// directory of the host.
    pub fn write_certs_d(
        &self,
        directory: &Path,
        host: &str,
        client: Option<&Certificate>,
    ) -> PathBuf {
        let directory = directory.join(host);
        fs::create_dir_all(&directory).expect("create a directory of certificates");
        let write = |name: &str, text: &str| {
            fs::write(directory.join(name), text).expect("write a certificate");
        };
        write("ca.crt", &self.pem);
        if let Some(client) = client {
            write("client.cert", &client.certificate);
            write("client.key", &client.key);
        }
        directory
    }
}
