//! The claims of a signing certificate, with checks beyond those of `sigstore-verify`.

use std::collections::BTreeSet;
use std::time::SystemTime;

use sigstore_verify::types::DerCertificate;
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use crate::refusal::Cause;

/// The claims of a signing certificate.
#[derive(Debug)]
pub(crate) struct CertificateFacts {
    /// The only subject alternative name.
    pub(super) identity: String,
    /// The OpenID Connect issuer.
    pub(super) issuer: String,
    /// The beginning of the validity.
    pub(super) not_before: SystemTime,
    /// The end of the validity.
    pub(super) not_after: SystemTime,
}

#[cfg(any(test, fuzzing))]
impl CertificateFacts {
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// The issuer as raw text. Source: Fulcio, "Sigstore OID information".
const ISSUER_V1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.1");
/// The issuer as a DER string.
const ISSUER_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.8");

/// The maximum size of a certificate, in bytes.
const MAX_CERTIFICATE: usize = 64 * 1024;

impl CertificateFacts {
    /// Reads a certificate. `sigstore-verify` takes the first of several names and extensions, as other programs
    /// take the last; here several are refused.
    pub(crate) fn read(certificate: &DerCertificate) -> Result<Self, Cause> {
        let der = certificate.as_bytes();
        if der.len() > MAX_CERTIFICATE {
            return Err(Cause::Certificate(format!("{} bytes long", der.len())));
        }
        let parsed = Certificate::from_der(der).map_err(|error| malformed(&error))?;
        // The signature covers the encoding. An encoding that is not the only one could be read differently.
        if parsed.to_der().ok().as_deref() != Some(der) {
            return Err(refused("not in the distinguished encoding"));
        }
        let extensions = parsed
            .tbs_certificate
            .extensions
            .as_deref()
            .unwrap_or_default();
        let mut seen = BTreeSet::new();
        if let Some(twice) = extensions.iter().find(|found| !seen.insert(found.extn_id)) {
            let message = format!("the extension {} is there twice", twice.extn_id);
            return Err(Cause::Certificate(message));
        }
        let identity = identity(extensions)?;
        let issuer = issuer(extensions)?;
        for text in [&identity, &issuer] {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Cause::IdentityText(Cause::text(text)));
            }
        }
        let validity = &parsed.tbs_certificate.validity;
        Ok(Self {
            identity,
            issuer,
            not_before: validity.not_before.to_system_time(),
            not_after: validity.not_after.to_system_time(),
        })
    }
}

fn refused(detail: &str) -> Cause {
    Cause::Certificate(detail.to_owned())
}

fn malformed(error: &x509_cert::der::Error) -> Cause {
    Cause::Certificate(Cause::text(&error.to_string()))
}

/// Returns the only subject alternative name.
fn identity(extensions: &[Extension]) -> Result<String, Cause> {
    const SAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
    let Some(extension) = extensions.iter().find(|found| found.extn_id == SAN) else {
        return Err(Cause::IdentityCount(0));
    };
    let names = SubjectAltName::from_der(extension.extn_value.as_bytes())
        .map_err(|error| malformed(&error))?;
    match names.0.as_slice() {
        [GeneralName::Rfc822Name(email)] => Ok(email.to_string()),
        [GeneralName::UniformResourceIdentifier(uri)] => {
            let uri = uri.as_str();
            // Without a scheme it could be taken for an email address.
            if !uri.is_empty() && !uri.contains(':') {
                return Err(refused("its URI has no scheme"));
            }
            Ok(uri.to_owned())
        }
        [_] => Err(Cause::Unsupported(
            "an identity that is neither an email address nor a URI".to_owned(),
        )),
        several => Err(Cause::IdentityCount(several.len())),
    }
}

/// Returns the issuer. If both extensions are there, they must agree.
fn issuer(extensions: &[Extension]) -> Result<String, Cause> {
    let value = |oid| {
        let mut found = extensions.iter().filter(move |found| found.extn_id == oid);
        found.next().map(|found| found.extn_value.as_bytes())
    };
    let old = value(ISSUER_V1)
        .map(|bytes| str::from_utf8(bytes).map_err(|_| refused("the issuer is not UTF-8")))
        .transpose()?;
    let new = value(ISSUER_V2)
        .map(|bytes| {
            let text = Utf8StringRef::from_der(bytes);
            text.map_err(|_| refused("the issuer is no DER string"))
        })
        .transpose()?;
    match (old, new.as_ref().map(AsRef::<str>::as_ref)) {
        (Some(old), Some(new)) if old != new => Err(refused("it names two issuers")),
        (_, Some(issuer)) | (Some(issuer), None) => Ok(issuer.to_owned()),
        (None, None) => Err(refused("it names no issuer")),
    }
}
