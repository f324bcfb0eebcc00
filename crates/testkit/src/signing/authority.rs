//! A Sigstore instance: certificate authority, certificate log and transparency log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData,
};
use serde_json::{Value, json};

use super::leaf::LeafOptions;
use super::signing_key::SigningKey;
use super::transparency_log::TransparencyLog;

/// A Sigstore instance of its own, which signs without network.
#[derive(Debug)]
pub struct SigningAuthority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    intermediate_key: Vec<u8>,
    certificate_log: SigningKey,
    log: TransparencyLog,
}

impl SigningAuthority {
    /// Creates an instance with new keys.
    pub fn new(name: &str) -> Self {
        let (params, key) = authority(&format!("{name} root"));
        let root = CertifiedIssuer::self_signed(params, key).expect("sign the root");
        let (params, key) = authority(&format!("{name} intermediate"));
        let intermediate_key = key.subject_public_key_info();
        let intermediate =
            CertifiedIssuer::signed_by(params, key, &root).expect("sign the intermediate");
        Self {
            root,
            intermediate,
            intermediate_key,
            certificate_log: SigningKey::p256(),
            log: TransparencyLog::new(&format!("rekor.{name}.test")),
        }
    }

    /// Returns the transparency log.
    pub fn log(&self) -> &TransparencyLog {
        &self.log
    }

    /// Issues a certificate for a key, as DER.
    pub fn issue(&self, key: &SigningKey, options: &LeafOptions) -> Vec<u8> {
        self.issue_for(key.pair(), options)
    }

    /// Issues a certificate for the public key of another program, as DER.
    pub(super) fn issue_for(&self, key: &impl PublicKeyData, options: &LeafOptions) -> Vec<u8> {
        let log = &self.certificate_log;
        options.issue(key, &self.intermediate, &self.intermediate_key, log)
    }

    /// Returns the public key of the certificate log in PEM.
    pub fn certificate_log_pem(&self) -> String {
        self.certificate_log.public_pem()
    }

    /// Returns the certificates of the intermediate and the root, as DER.
    pub fn chain(&self) -> [Vec<u8>; 2] {
        [self.intermediate.der().to_vec(), self.root.der().to_vec()]
    }

    /// Returns the certificates of the intermediate and the root in PEM.
    pub fn chain_pem(&self) -> String {
        format!("{}{}", self.intermediate.pem(), self.root.pem())
    }

    /// Returns the certificate of the root in PEM.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// Returns `trusted_root.json`.
    pub fn trusted_root(&self) -> Value {
        let validity = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |url: &str, key: &SigningKey| {
            json!({
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.public_der()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": validity,
                },
                "logId": {"keyId": STANDARD.encode(key.id())},
            })
        };
        let certificates = self
            .chain()
            .map(|der| json!({"rawBytes": STANDARD.encode(der)}));
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log("https://rekor.test", self.log.key())],
            "certificateAuthorities": [{
                "subject": {"organization": "test", "commonName": "test"},
                "uri": "https://fulcio.test",
                "certChain": {"certificates": certificates},
                "validFor": validity,
            }],
            "ctlogs": [log("https://ctfe.test", &self.certificate_log)],
            "timestampAuthorities": [],
        })
    }
}

fn authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
        .distinguished_name
        .push(DnType::OrganizationName, "test");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    (params, KeyPair::generate().expect("generate a key"))
}
