//! Checks on log entries, beyond those of `sigstore-verify`.

use std::time::SystemTime;

use sigstore_verify::crypto::VerificationKey;
use sigstore_verify::types::{Bundle, TransparencyLogEntry};

use crate::refusal::Cause;
use crate::trust_root::TrustRoot;

/// The maximum number of log entries of a bundle.
const MAX_ENTRIES: usize = 8;

/// Checks that every entry of a bundle has evidence, and that it is from the log that the entry names.
///
/// `sigstore-verify` looks for an inclusion proof in any entry, skips an entry that has neither proof nor
/// promise, and takes a checkpoint that any log of the trusted root signed, for a tree of any size.
pub(super) fn check(bundle: &Bundle, root: &TrustRoot) -> Result<(), Cause> {
    let entries = &bundle.verification_material.tlog_entries;
    if entries.is_empty() {
        return Err(Cause::NotLogged);
    }
    if entries.len() > MAX_ENTRIES {
        let message = format!("it has {} log entries", entries.len());
        return Err(Cause::Ambiguous(message));
    }
    entries
        .iter()
        .try_for_each(|entry| check_entry(entry, root))
}

fn check_entry(entry: &TransparencyLogEntry, root: &TrustRoot) -> Result<(), Cause> {
    let log_id = &entry.log_id.key_id;
    let Some(key) = root.log_key(log_id) else {
        let name = Cause::text(&log_id.to_base64());
        return Err(Cause::UnknownLog(format!("log {name}")));
    };
    let Some(proof) = &entry.inclusion_proof else {
        return match &entry.inclusion_promise {
            Some(_) => Ok(()),
            None => Err(Cause::InclusionProof(
                "neither proof nor promise".to_owned(),
            )),
        };
    };
    let Some(checkpoint) = proof.checkpoint.checkpoint() else {
        return Err(Cause::Checkpoint("the proof has no checkpoint".to_owned()));
    };
    // The fields of the proof are ignored in entries of Rekor v2, which takes them from the checkpoint.
    if entry.integrated_time.is_some() && proof.tree_size != checkpoint.tree_size() {
        return Err(Cause::Checkpoint(format!(
            "for a tree of {} entries, where the proof has {}",
            checkpoint.tree_size(),
            proof.tree_size
        )));
    }
    let hint = log_id.as_bytes().get(..4);
    let mut by_log = checkpoint
        .signatures()
        .iter()
        .filter(|signature| Some(signature.key_id.as_slice()) == hint)
        .peekable();
    if by_log.peek().is_none() {
        return Err(Cause::Checkpoint(
            "not signed by the entry's log".to_owned(),
        ));
    }
    let key = VerificationKey::from_spki(&key.raw_bytes)
        .map_err(|error| Cause::Checkpoint(Cause::text(&error.to_string())))?;
    let signed = checkpoint.signed_data();
    if by_log.any(|signature| key.verify(signed, &signature.signature).is_ok()) {
        return Ok(());
    }
    Err(Cause::Checkpoint(
        "the signature of the entry's log is wrong".to_owned(),
    ))
}

/// Checks that the logs of entries without a promise were valid at the confirmed times. `sigstore-verify`
/// applies the validity of a log only to promises.
pub(super) fn check_validity(
    bundle: &Bundle,
    root: &TrustRoot,
    confirmed: &[SystemTime],
) -> Result<(), Cause> {
    let entries = &bundle.verification_material.tlog_entries;
    for entry in entries
        .iter()
        .filter(|entry| entry.inclusion_promise.is_none())
    {
        let validity = root
            .log_key(&entry.log_id.key_id)
            .and_then(|key| key.valid_for);
        let Some(validity) = validity else { continue };
        let start = SystemTime::from(validity.start);
        let end = validity.end.map(SystemTime::from);
        if confirmed
            .iter()
            .any(|time| *time < start || end.is_some_and(|end| *time > end))
        {
            return Err(Cause::LogTime(
                "the log was not valid at that time".to_owned(),
            ));
        }
    }
    Ok(())
}
