//! The causes of errors of `sigstore-verify`.

use sigstore_verify::bundle::Error as BundleError;
use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError};

use crate::refusal::Cause;

/// Returns the cause of an error. Digests and subjects were checked before, so a mismatch is one of the log entry.
pub(super) fn cause(error: Error) -> Cause {
    match error {
        Error::SignatureInvalid(_) => Cause::SignatureInvalid,
        Error::ArtifactMismatch(detail) => Cause::OtherEntry(Cause::text(&detail)),
        Error::Certificate(error) => certificate(error),
        Error::TransparencyLog(error) => log(error),
        Error::Timestamp(error) => timestamp(&error),
        Error::Bundle(error) => bundle(&error),
        // A trusted root is checked when it is read, except that certificate logs may be missing.
        Error::InvalidTrustRoot(detail) => Cause::Sct(Cause::text(&detail)),
        Error::InvalidBundle(detail) => Cause::Malformed(Cause::text(&detail)),
        Error::UnsupportedBundle(detail) | Error::UnsupportedArtifact(detail) => {
            Cause::Unsupported(Cause::text(&detail))
        }
        other => Cause::Unsupported(Cause::text(&other.to_string())),
    }
}

fn certificate(error: CertificateError) -> Cause {
    match error {
        CertificateError::Malformed(detail) => Cause::Certificate(Cause::text(&detail)),
        CertificateError::ChainInvalid(detail) => Cause::Chain(Cause::text(&detail)),
        CertificateError::NotYetValid { time, not_before } => Cause::NotYetValid {
            not_before: not_before.to_string(),
            logged: time.to_string(),
        },
        CertificateError::Expired { time, not_after } => Cause::Expired {
            not_after: not_after.to_string(),
            logged: time.to_string(),
        },
        CertificateError::Sct(detail) => Cause::Sct(Cause::text(&detail)),
        other => Cause::Chain(other.to_string()),
    }
}

fn log(error: TransparencyLogError) -> Cause {
    match error {
        TransparencyLogError::UnknownLog { log_id } => {
            Cause::UnknownLog(format!("log {}", Cause::text(&log_id)))
        }
        TransparencyLogError::InclusionProof(detail) => Cause::InclusionProof(Cause::text(&detail)),
        TransparencyLogError::Checkpoint(detail) => Cause::Checkpoint(Cause::text(&detail)),
        TransparencyLogError::InclusionPromise(detail) => {
            Cause::InclusionPromise(Cause::text(&detail))
        }
        TransparencyLogError::EntryMismatch(detail) => Cause::OtherEntry(Cause::text(&detail)),
        TransparencyLogError::IntegratedTime(detail) => Cause::LogTime(Cause::text(&detail)),
        TransparencyLogError::MalformedEntry(detail) => Cause::LogEntry(Cause::text(&detail)),
        other => Cause::LogEntry(Cause::text(&other.to_string())),
    }
}

fn timestamp(error: &TimestampError) -> Cause {
    match error {
        TimestampError::NoVerifiedTimestamp(_) => Cause::NoTime,
        other => Cause::Timestamp(Cause::text(&other.to_string())),
    }
}

fn bundle(error: &BundleError) -> Cause {
    let detail = Cause::text(&error.to_string());
    match error {
        BundleError::MissingInclusionPromise(_) => Cause::InclusionPromise(detail),
        BundleError::MissingInclusionProof(_) | BundleError::LogIndexOutOfRange { .. } => {
            Cause::InclusionProof(detail)
        }
        BundleError::MissingCheckpoint | BundleError::CheckpointRootMismatch => {
            Cause::Checkpoint(detail)
        }
        BundleError::MissingSigningTimeEvidence | BundleError::MissingTimestamp => Cause::NotLogged,
        BundleError::CertificateChainNotAllowed(_) => Cause::Malformed(detail),
        _ => Cause::Unsupported(detail),
    }
}
