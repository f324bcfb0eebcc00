//! The authorities and logs that are trusted.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::SHA256;
use serde_json::json;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::trusted_root::PublicKey as LogKey;
use sigstore_verify::trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_verify::types::{DerCertificate, LogKeyId};

use crate::crypto;
use crate::keys::PublicKey;

/// The certificate authorities, transparency logs and timestamp authorities that are trusted.
pub struct TrustRoot {
    root: TrustedRoot,
    verifier: Verifier,
    sct: bool,
    /// The digest of its text.
    fingerprint: String,
}

/// The reason why a file is not a trusted root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustRootError {
    /// The file is larger than any trusted root.
    #[error("larger than {MAX_ROOT} bytes")]
    TooLarge,
    /// The file is not the JSON of a trusted root.
    #[error("not a trusted_root.json: {0}")]
    NotARoot(String),
    /// A key, certificate or validity period in the file cannot be used.
    #[error("unusable trusted root: {0}")]
    Unusable(String),
}

/// The maximum size of a trusted root, in bytes.
const MAX_ROOT: usize = 4 * 1024 * 1024;

impl TrustRoot {
    /// Returns the trusted root of Sigstore's public instance, as it was when this program was built.
    ///
    /// # Errors
    ///
    /// If the embedded text cannot be used, which a test excludes.
    pub fn embedded() -> Result<Self, TrustRootError> {
        Self::from_json(SigstoreInstance::PublicGood.embedded_trusted_root_json())
    }

    /// Reads a trusted root in the form `trusted_root.json` of Sigstore.
    ///
    /// # Errors
    ///
    /// If the text is not a trusted root, or holds a key or certificate that cannot be used.
    pub fn from_json(json: &str) -> Result<Self, TrustRootError> {
        if json.len() > MAX_ROOT {
            return Err(TrustRootError::TooLarge);
        }
        crypto::install();
        let not_a_root =
            |error: sigstore_verify::trust_root::Error| TrustRootError::NotARoot(error.to_string());
        let root = TrustedRoot::from_json(json).map_err(not_a_root)?;
        let unusable = |error: sigstore_verify::Error| TrustRootError::Unusable(error.to_string());
        let verifier = Verifier::new(&root).map_err(unusable)?;
        Ok(Self {
            root,
            verifier,
            sct: true,
            fingerprint: crypto::hex(ring::digest::digest(&SHA256, json.as_bytes()).as_ref()),
        })
    }

    /// Creates a trusted root from the certificates of an authority in PEM and the keys of transparency logs, as
    /// `fulcio` and `rekorPublicKey` in containers-policy.json(5) name them. Such a policy names no certificate
    /// log, so certificates need not be in one. Each of the certificates is trusted.
    ///
    /// # Errors
    ///
    /// If the text is not PEM, or holds a key or certificate that cannot be used.
    pub fn from_authority(
        authority_pem: &str,
        log_keys: &[PublicKey],
    ) -> Result<Self, TrustRootError> {
        if authority_pem.len() > MAX_ROOT {
            return Err(TrustRootError::TooLarge);
        }
        let chain = crypto::pem_certificates(authority_pem).unwrap_or_default();
        if chain.is_empty() || chain.len() > crypto::MAX_CHAIN {
            let message = format!("not 1 to {} certificates in PEM", crypto::MAX_CHAIN);
            return Err(TrustRootError::Unusable(message));
        }
        Self::without_certificate_log(&chain, log_keys)
    }

    /// Creates a trusted root of transparency logs alone, for signatures with keys.
    ///
    /// # Errors
    ///
    /// If a key cannot be that of a log.
    pub fn from_logs(log_keys: &[PublicKey]) -> Result<Self, TrustRootError> {
        Self::without_certificate_log(&[], log_keys)
    }

    fn without_certificate_log(
        chain: &[DerCertificate],
        log_keys: &[PublicKey],
    ) -> Result<Self, TrustRootError> {
        let raw = |certificate: &DerCertificate| json!({"rawBytes": certificate.to_base64()});
        let certificates: Vec<_> = chain.iter().map(raw).collect();
        let authority = json!({"uri": "", "certChain": {"certificates": certificates}});
        let authorities: Vec<_> = (!chain.is_empty())
            .then_some(authority)
            .into_iter()
            .collect();
        // The name of a key is that of its file, which may change.
        let log = |key: &PublicKey| {
            json!({
                "baseUrl": "",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": key.der().to_base64(), "keyDetails": ""},
                "logId": {"keyId": STANDARD.encode(key.digest())},
            })
        };
        let root = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log_keys.iter().map(log).collect::<Vec<_>>(),
            "certificateAuthorities": authorities,
        });
        let root = Self::from_json(&root.to_string())?;
        Ok(Self { sct: false, ..root })
    }

    /// Reports whether two trusted roots have the same text.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Returns the key of a transparency log.
    pub(crate) fn log_key(&self, id: &LogKeyId) -> Option<&LogKey> {
        let mut logs = self.root.tlogs.iter();
        logs.find(|log| log.log_id.key_id == *id)
            .map(|log| &log.public_key)
    }

    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Reports whether certificates must be in a certificate transparency log.
    pub(crate) fn checks_sct(&self) -> bool {
        self.sct
    }
}

impl fmt::Debug for TrustRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = &self.root;
        f.debug_struct("TrustRoot")
            .field("tlogs", &root.tlogs.len())
            .field("authorities", &root.certificate_authorities.len())
            .finish_non_exhaustive()
    }
}
