//! Certificates of signers, like those of Fulcio.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use sha2::{Digest as _, Sha256};

use super::der;
use super::signing_key::SigningKey;

/// Object identifiers of extensions.
const SAN: &[u64] = &[2, 5, 29, 17];
const ISSUER_V1: &[u64] = &[1, 3, 6, 1, 4, 1, 57264, 1, 1];
const ISSUER_V2: &[u64] = &[1, 3, 6, 1, 4, 1, 57264, 1, 8];
const SCT_LIST: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];

/// The content of a certificate.
#[derive(Clone, Debug)]
pub struct LeafOptions {
    /// The identities: email addresses if they have a `@` and no `/`, else URIs.
    pub identities: Vec<Vec<u8>>,
    /// The issuer in the current extension.
    pub issuer: Option<String>,
    /// The issuer in the old extension.
    pub issuer_v1: Option<String>,
    /// The beginning of the validity, in seconds since 1970.
    pub not_before: u64,
    /// The length of the validity, in seconds.
    pub lifetime: u64,
    /// The purpose that the certificate names.
    pub usage: Option<Usage>,
    /// Says that the certificate is an authority.
    pub is_authority: bool,
    /// Repeats the extension of the issuer with another issuer.
    pub second_issuer: Option<String>,
    /// The evidence of the certificate log.
    pub sct: Sct,
}

/// The purpose of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// To sign code, as Fulcio says.
    CodeSigning,
    /// To be a server.
    ServerAuthentication,
}

/// The evidence of a certificate log in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sct {
    /// That of the authority's log.
    Valid,
    /// None.
    Missing,
    /// That of a log with another key, under the ID of the authority's log.
    OtherKey,
    /// That of a log that the authority does not have.
    OtherLog,
    /// One about another certificate.
    OtherCertificate,
    /// An empty list.
    Empty,
    /// Two.
    Twice,
}

impl LeafOptions {
    /// Creates the options of a certificate for one identity, valid for ten minutes.
    pub fn new(identity: &str, issuer: &str, not_before: u64) -> Self {
        Self {
            identities: vec![identity.as_bytes().to_vec()],
            issuer: Some(issuer.to_owned()),
            issuer_v1: Some(issuer.to_owned()),
            not_before,
            lifetime: 600,
            usage: Some(Usage::CodeSigning),
            is_authority: false,
            second_issuer: None,
            sct: Sct::Valid,
        }
    }

    /// Issues the certificate, as DER.
    pub(super) fn issue(
        &self,
        key: &impl PublicKeyData,
        issuer: &Issuer<'_, KeyPair>,
        issuer_key: &[u8],
        log: &SigningKey,
    ) -> Vec<u8> {
        let mut params = self.params();
        let sign = |params: &CertificateParams| {
            let certificate = params.signed_by(key, issuer);
            certificate.expect("issue a certificate").der().to_vec()
        };
        let before = sign(&params);
        let signed = der::first_element(&before);
        let other = SigningKey::p256();
        let sct = |key: &SigningKey, id: [u8; 32], signed: &[u8]| {
            one_sct(
                key,
                id,
                self.not_before * 1000,
                &signed_data(issuer_key, self.not_before * 1000, signed),
            )
        };
        let list = match self.sct {
            Sct::Missing => return before,
            Sct::Valid => vec![sct(log, log.id(), signed)],
            Sct::OtherKey => vec![sct(&other, log.id(), signed)],
            Sct::OtherLog => vec![sct(&other, other.id(), signed)],
            Sct::OtherCertificate => vec![sct(log, log.id(), b"another certificate")],
            Sct::Empty => Vec::new(),
            Sct::Twice => vec![sct(log, log.id(), signed), sct(log, log.id(), signed)],
        };
        let list: Vec<u8> = list.iter().flat_map(|sct| with_length(sct)).collect();
        let list = der::encode(0x04, &with_length(&list));
        let extension = CustomExtension::from_oid_content(SCT_LIST, list);
        params.custom_extensions.push(extension);
        sign(&params)
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.serial_number = Some(SerialNumber::from_slice(&[0x2a, 1, 2, 3]));
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        params.not_before = epoch + Duration::from_secs(self.not_before);
        params.not_after = epoch + Duration::from_secs(self.not_before + self.lifetime);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = self.usage.map(|usage| match usage {
            Usage::CodeSigning => ExtendedKeyUsagePurpose::CodeSigning,
            Usage::ServerAuthentication => ExtendedKeyUsagePurpose::ServerAuth,
        });
        params.extended_key_usages = usage.into_iter().collect();
        if self.is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        }
        let names: Vec<u8> = self
            .identities
            .iter()
            .flat_map(|name| general_name(name))
            .collect();
        let mut san = CustomExtension::from_oid_content(SAN, der::encode(0x30, &names));
        san.set_criticality(true);
        let text = |oid, text: &str| {
            CustomExtension::from_oid_content(oid, der::encode(0x0c, text.as_bytes()))
        };
        let old = self
            .issuer_v1
            .iter()
            .map(|issuer| CustomExtension::from_oid_content(ISSUER_V1, issuer.as_bytes().to_vec()));
        let new = self.issuer.iter().chain(&self.second_issuer);
        params.custom_extensions.push(san);
        params.custom_extensions.extend(old);
        params
            .custom_extensions
            .extend(new.map(|issuer| text(ISSUER_V2, issuer)));
        params
    }
}

/// Encodes an email address (tag 1) or URI (tag 6).
fn general_name(name: &[u8]) -> Vec<u8> {
    let email = name.contains(&b'@') && !name.contains(&b'/');
    der::encode(if email { 0x81 } else { 0x86 }, name)
}

/// Returns the bytes that a certificate log signs. Source: RFC 6962, section 3.2.
fn signed_data(issuer_key: &[u8], milliseconds: u64, certificate: &[u8]) -> Vec<u8> {
    let mut data = vec![0, 0];
    data.extend(milliseconds.to_be_bytes());
    data.extend([0, 1]);
    data.extend(Sha256::digest(issuer_key));
    let length = u32::try_from(certificate.len()).expect("a small certificate");
    data.extend(&length.to_be_bytes()[1..]);
    data.extend_from_slice(certificate);
    data.extend([0, 0]);
    data
}

fn one_sct(key: &SigningKey, id: [u8; 32], milliseconds: u64, data: &[u8]) -> Vec<u8> {
    let mut sct = vec![0];
    sct.extend(id);
    sct.extend(milliseconds.to_be_bytes());
    sct.extend([0, 0, 4, 3]);
    sct.extend(with_length(&key.sign(data)));
    sct
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("at most 64 KiB");
    [&length.to_be_bytes()[..], bytes].concat()
}
