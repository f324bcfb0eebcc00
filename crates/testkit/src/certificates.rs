//! A certificate authority of a test's own, and what it signs.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// An authority that nobody but a test trusts.
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
    /// The certificate.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key (PKCS #8).
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Authority {
    /// A new authority with a key of its own.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        let key = KeyPair::generate().expect("make a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("sign the authority");
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// Its own certificate in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server on 127.0.0.1 and localhost.
    pub fn server(&self) -> Certificate {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let params = CertificateParams::new(names).expect("names of loopback");
        self.sign(params, "server", ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client of that name.
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
        let key = KeyPair::generate().expect("make a key");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("sign a certificate");
        Certificate {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Writes `FOLDER/HOST/ca.crt` and, for a client with a certificate, `client.cert` and
    /// `client.key` beside it, as containers-certs.d(5) has them. `host` is `127.0.0.1:PORT`.
    /// Returns the host's folder.
    pub fn write_certs_d(
        &self,
        folder: &Path,
        host: &str,
        client: Option<&Certificate>,
    ) -> PathBuf {
        let folder = folder.join(host);
        fs::create_dir_all(&folder).expect("create a folder of certificates");
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("write a certificate");
        };
        write("ca.crt", &self.pem);
        if let Some(client) = client {
            write("client.cert", &client.certificate);
            write("client.key", &client.key);
        }
        folder
    }
}
