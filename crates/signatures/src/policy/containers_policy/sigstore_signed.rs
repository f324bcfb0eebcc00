//! `sigstoreSigned`: a signature with a key, or with a certificate of an authority that the policy names.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strict_json::{Located, Problems};

use super::fields::{FulcioFields, KeySource, RequirementFields};
use super::signed_identity::signed_identity;
use crate::keys::PublicKey;
use crate::policy::key_files::KeyFiles;
use crate::requirement::{
    IdentityMatcher, KeySigners, KeylessSigner, LogRequirement, Requirement, SignedIdentity,
    Signers,
};
use crate::trust_root::TrustRoot;

/// Reads a requirement.
pub(super) fn sigstore_signed(
    requirement: &Located<RequirementFields>,
    files: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Requirement> {
    let fields = &requirement.value;
    if let Some(unsupported) = &fields.unsupported {
        let message = match unsupported.value {
            "pki" => {
                "`pki` is not supported: no log confirms the time of such a signature. Use `fulcio` with the key \
                 of a log, or a key"
            }
            _ => "`keyType` belongs to `signedBy`, which cannot be verified",
        };
        problems.add(unsupported.offset, message);
        return None;
    }
    let log_keys = match &fields.log_keys[..] {
        [] => None,
        sources => Some(read_keys(sources, files, problems)),
    };
    let (signers, authority) = signers(requirement, files, problems)?;
    let trust = match log_keys {
        Some(log_keys) => Some(trust_root(authority, &log_keys?, requirement, problems)?),
        None => {
            if let Some(authority) = authority {
                let message = "`fulcio` needs the key of a log: add `rekorPublicKeyPath` or `rekorPublicKeyData`";
                problems.add(authority.offset, message);
                return None;
            }
            None
        }
    };
    let signed_identity = match &fields.signed_identity {
        Some(identity) => signed_identity(identity, problems)?,
        None => SignedIdentity::RepositoryDigestOrExact,
    };
    let log = match trust {
        Some(_) => LogRequirement::Required,
        None => LogRequirement::default(),
    };
    Some(Requirement {
        signed_identity,
        log,
        trust: trust.map(Arc::new),
        ..Requirement::new(signers)
    })
}

/// Returns the signers, and the certificates of their authority in PEM.
fn signers(
    requirement: &Located<RequirementFields>,
    files: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Signers, Option<Located<String>>)> {
    let fields = &requirement.value;
    match (&fields.fulcio, &fields.keys[..]) {
        (Some(fulcio), []) => {
            let (signer, pem) = fulcio_signer(&fulcio.value, files, problems)?;
            let authority = Located {
                value: pem,
                offset: fulcio.offset,
            };
            Some((Signers::Keyless(signer), Some(authority)))
        }
        (None, [_, ..]) => {
            let keys = read_keys(&fields.keys, files, problems)?;
            // Any one of the keys suffices.
            Some((Signers::Keys(KeySigners { keys, threshold: 1 }), None))
        }
        (None, []) => {
            let message = "`sigstoreSigned` has neither keys nor `fulcio`";
            problems.add(requirement.offset, message);
            None
        }
        (Some(fulcio), _) => {
            problems.add(fulcio.offset, "`fulcio` and keys exclude each other");
            None
        }
    }
}

/// Returns the authority and the logs that are trusted.
fn trust_root(
    authority: Option<Located<String>>,
    log_keys: &[PublicKey],
    requirement: &Located<RequirementFields>,
    problems: &mut Problems<'_>,
) -> Option<TrustRoot> {
    let (offset, root) = match authority {
        Some(pem) => (pem.offset, TrustRoot::from_authority(&pem.value, log_keys)),
        None => (requirement.offset, TrustRoot::from_logs(log_keys)),
    };
    root.map_err(|error| problems.add(offset, error)).ok()
}

/// Returns the signer that `fulcio` names, and the certificates of its authority in PEM.
fn fulcio_signer(
    fields: &FulcioFields,
    files: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<(KeylessSigner, String)> {
    let (issuer, email) = (fields.issuer.as_ref()?, fields.email.as_ref()?);
    // With `:` it could be taken for a URI.
    if !email.value.contains('@') || email.value.contains(':') {
        problems.add(email.offset, "`subjectEmail` is not an email address");
        return None;
    }
    let (offset, authority) = match (&fields.ca_path, &fields.ca_data) {
        (Some(path), None) => (path.offset, files.text(&path.value)),
        (None, Some(data)) => (data.offset, decode(&data.value)),
        (None, None) => {
            problems.add(issuer.offset, "`fulcio` has neither `caPath` nor `caData`");
            return None;
        }
        (Some(_), Some(data)) => {
            problems.add(data.offset, "`caPath` and `caData` exclude each other");
            return None;
        }
    };
    let authority = authority
        .map_err(|reason| problems.add(offset, reason))
        .ok()?;
    let signer = KeylessSigner {
        issuer: issuer.value.clone(),
        identity: IdentityMatcher::Exact(email.value.clone()),
    };
    Some((signer, authority))
}

/// Reads the keys that are given in one way.
fn read_keys(
    sources: &[KeySource],
    files: &mut KeyFiles<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<PublicKey>> {
    match sources {
        [KeySource::Files(listed) | KeySource::Inline(listed)] if listed.value.is_empty() => {
            problems.add(listed.offset, "the list of keys is empty");
            None
        }
        [KeySource::Files(paths)] => files.read(&paths.value, problems),
        [KeySource::Inline(data)] => inline_keys(&data.value, problems),
        [_, KeySource::Files(second) | KeySource::Inline(second), ..] => {
            problems.add(second.offset, "the keys are given in two ways: keep one");
            None
        }
        [] => None,
    }
}

fn inline_keys(data: &[Located<String>], problems: &mut Problems<'_>) -> Option<Vec<PublicKey>> {
    let mut keys = Some(Vec::new());
    for (data, number) in data.iter().zip(1..) {
        let name = format!("key {number} of the policy");
        let key = decode(&data.value);
        let parse = |pem: String| PublicKey::from_pem(&name, &pem);
        match key.and_then(|pem| parse(pem).map_err(|error| error.to_string())) {
            Ok(key) => keys.iter_mut().for_each(|keys| keys.push(key.clone())),
            Err(reason) => {
                problems.add(data.offset, reason);
                keys = None;
            }
        }
    }
    keys
}

/// Decodes the PEM text of an inline key or certificate.
fn decode(data: &str) -> Result<String, String> {
    let pem = STANDARD.decode(data.trim()).ok();
    let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
    pem.ok_or_else(|| "not a PEM text in base64".to_owned())
}
