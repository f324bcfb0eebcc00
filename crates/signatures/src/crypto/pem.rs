//! Certificates in PEM.

use sigstore_verify::types::DerCertificate;

/// The maximum number of certificates in a chain.
pub(crate) const MAX_CHAIN: usize = 16;

/// Returns the certificates of a text, `None` if something else is in it. Reading stops after one more than
/// [`MAX_CHAIN`].
pub(crate) fn pem_certificates(text: &str) -> Option<Vec<DerCertificate>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() <= MAX_CHAIN {
        let end = rest.find(END)? + END.len();
        let (block, next) = rest.split_at(end);
        if !block.starts_with(BEGIN) {
            return None;
        }
        found.push(DerCertificate::from_pem(block).ok()?);
        rest = next.trim_start();
    }
    Some(found)
}
