//! What to do next about an error of the wire.
//!
//! The libraries say what happened; here, at the edge, it is known which
//! options and commands there are.

use copier::{CompareError, Row, RowError};
use image_name::{full_repository, tag_or_digest};
use oci_spec::distribution::Reference;
use registry_client::{Error, StatusError};

use crate::cli::failure::Failure;

/// What a failed request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Reading an image.
    Reading,
    /// Writing one.
    Writing,
}

/// What to do about a failed row.
pub(crate) fn of_row(row: &Row, error: &RowError) -> Option<String> {
    match error {
        RowError::Read(error) => of_wire(Doing::Reading, &row.source, error),
        RowError::Write(error) => of_wire(Doing::Writing, &row.destination, error),
        RowError::Name(error) => of_wire(Doing::Reading, &row.source, error),
        RowError::Referrer { error, .. } => of_row(row, error),
        // The tag is there: it is what was approved that is gone.
        RowError::SourceMissing { reference }
            if row.approved.is_some() && *reference != row.source.to_string() =>
        {
            Some(of_moved(row))
        }
        RowError::SourceMissing { .. } => Some(source_missing(row)),
        RowError::NoPlatform { .. } => Some(NO_PLATFORM.to_owned()),
        RowError::Moved(_) => Some(of_moved(row)),
        RowError::SameLocation { .. } => {
            Some("give the row another destination, or run without --registries-conf".to_owned())
        }
        _ => None,
    }
}

/// What to do about a row that could not be compared.
pub(crate) fn of_comparison(row: &Row, error: &CompareError) -> Option<String> {
    match error {
        CompareError::Source(error) => of_wire(Doing::Reading, &row.source, error),
        CompareError::Destination(error) => of_wire(Doing::Reading, &row.destination, error),
        CompareError::SourceMissing { .. } => Some(source_missing(row)),
        CompareError::NoPlatform { .. } => Some(NO_PLATFORM.to_owned()),
        CompareError::Manifest(_) | CompareError::Digest(_) => None,
    }
}

/// What to do about a source tag that was pushed again.
pub(crate) fn of_moved(row: &Row) -> String {
    of_moved_tag(&full_repository(&row.source), tag_or_digest(&row.source))
}

/// The same of a row that a report has.
pub(crate) fn of_moved_tag(repository: &str, tag: &str) -> String {
    format!(
        "find out why it was pushed again; `mirror lock --update --match {repository}:{tag}` approves it"
    )
}

const NO_PLATFORM: &str = "name other platforms with --platform, or leave it out for all";

fn source_missing(row: &Row) -> String {
    let repository = full_repository(&row.source);
    format!("see what there is with `mirror tags {repository}`, and correct or remove the row")
}

/// A command's failure over a request.
pub(crate) fn failure(doing: Doing, image: &Reference, error: &Error) -> Failure {
    let message = error.to_string();
    let failure = if error.is_refused() {
        Failure::refused(message)
    } else {
        Failure::failed(message)
    };
    failure.hint(of_wire(doing, image, error))
}

/// What to do about a failed request for an image.
pub(crate) fn of_wire(doing: Doing, image: &Reference, error: &Error) -> Option<String> {
    let host = image.registry();
    match error {
        Error::Status(status) => of_status(doing, image, status),
        Error::Connection { detail, .. } => of_connection(host, detail),
        Error::Timeout { .. } => Some(format!(
            "{host} did not answer in time: run again later, or with fewer --jobs"
        )),
        Error::RateLimited { .. } => {
            Some("run again after that time, or accept longer pauses with --max-wait".to_owned())
        }
        Error::Credentials { .. } => Some(format!(
            "correct what the message names, or run `mirror login {host}`"
        )),
        // From a folder that cannot be used, or from a handshake.
        Error::Trust { detail, .. } => of_connection(host, detail).or_else(|| {
            Some("correct the certificate folder, or name another with --cert-dir".to_owned())
        }),
        Error::Blocked(_) => {
            Some("remove `blocked` from registries.conf, or run without it".to_owned())
        }
        Error::DigestMismatch { .. } | Error::SizeMismatch { .. } => Some(
            "run again; if it stays, the registry or something before it serves damaged content"
                .to_owned(),
        ),
        Error::NotSent { .. } => Some(format!(
            "{host} asked for a request outside its repository; report it to whoever runs it"
        )),
        Error::TooLarge { .. }
        | Error::Protocol { .. }
        | Error::Unsafe { .. }
        | Error::Name { .. }
        | Error::Reference { .. } => None,
    }
}

fn of_status(doing: Doing, image: &Reference, error: &StatusError) -> Option<String> {
    let (host, repository) = (image.registry(), image.repository());
    // A registry that takes no incomplete indexes (most; Docker Hub and
    // distribution with its default validation among them).
    if doing == Doing::Writing
        && (error.has_code("MANIFEST_BLOB_UNKNOWN") || error.has_code("MANIFEST_UNKNOWN"))
    {
        return Some(format!(
            "{host} takes nothing that is not whole: with --sparse leave that out, which writes a \
             rebuilt index; without it run again, since {host} lost what it had a moment ago"
        ));
    }
    match (error.status.as_u16(), doing) {
        (401 | 403, _) if !error.authenticated => Some(format!(
            "no credentials were sent: log in with `mirror login {host}`"
        )),
        (401 | 403, Doing::Reading) => Some(format!(
            "the credentials were refused, or may not read {repository}: log in anew with `mirror login {host}`"
        )),
        (401 | 403, Doing::Writing) => Some(format!(
            "the credentials were refused, or may not write to {repository}: check the account's rights, or log in anew with `mirror login {host}`"
        )),
        (404, Doing::Writing) => Some(format!(
            "create the repository {host}/{repository} first: {host} does not do it on a push"
        )),
        (404, Doing::Reading) => Some(format!("check the name {host}/{repository}")),
        (429, _) if !error.authenticated => Some(format!(
            "anonymous limits are low: log in with `mirror login {host}`, or run again later"
        )),
        (429, _) => Some("run again later, or with fewer --jobs".to_owned()),
        (413, _) => Some(format!(
            "{host}, or a proxy before it, takes no request this large: raise its limit"
        )),
        (409 | 412, Doing::Writing) => Some(
            "the tag may be immutable: remove it there, or give the row another tag".to_owned(),
        ),
        (500..=599, _) => Some(format!(
            "{host} has trouble: run again later; what is done stays done"
        )),
        _ => None,
    }
}

fn of_connection(host: &str, detail: &str) -> Option<String> {
    let says = |words: &[&str]| {
        let detail = detail.to_ascii_lowercase();
        words.iter().any(|word| detail.contains(word))
    };
    // rustls' words for a certificate that nobody here vouches for.
    if says(&[
        "unknownissuer",
        "unknown issuer",
        "unknownca",
        "self-signed",
        "invalid peer certificate",
    ]) {
        return Some(format!(
            "put the registry's certificate authority as a *.crt into a folder and name it with --cert-dir, \
             or into /etc/containers/certs.d/{host}"
        ));
    }
    // The server's alerts about the client's certificate.
    if says(&["certificaterequired", "certificate required"]) {
        return Some(format!(
            "{host} wants to see a client certificate: put it as NAME.cert and NAME.key into a folder \
             and name it with --cert-dir, or into /etc/containers/certs.d/{host}"
        ));
    }
    // rustls' words for an answer that is no TLS.
    if says(&[
        "invalidcontenttype",
        "invalid content type",
        "corrupt message",
    ]) {
        return Some(format!(
            "if {host} speaks plain http, name it with --insecure {host}"
        ));
    }
    if says(&["dns", "lookup", "resolve"]) {
        return Some(format!("check the name {host}, and the network"));
    }
    if says(&["refused"]) {
        return Some(format!("check that a registry listens at {host}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_fail_for_different_reasons() {
        let table = [
            (
                "client error (Connect): invalid peer certificate: UnknownIssuer",
                "--cert-dir",
            ),
            (
                "connection error: received fatal alert: CertificateRequired",
                "NAME.cert",
            ),
            (
                "received corrupt message of type InvalidContentType",
                "--insecure r.io:5000",
            ),
            (
                "dns error: failed to lookup address information",
                "check the name r.io:5000",
            ),
            (
                "tcp connect error: Connection refused (os error 111)",
                "listens at r.io:5000",
            ),
        ];
        for (detail, want) in table {
            let hint = of_connection("r.io:5000", detail).unwrap_or_default();
            assert!(hint.contains(want), "{detail}: {hint}");
        }
        assert_eq!(of_connection("r.io", "connection reset by peer"), None);
    }
}
