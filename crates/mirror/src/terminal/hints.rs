//! Hints for failed requests and rows: the option or the command that may help.

use copier::{CompareError, Row, RowError};
use image_name::{full_repository, tag_or_digest};
use oci_spec::distribution::Reference;
use registry_client::registries_conf::ResolveError;
use registry_client::{ConnectionFailure, Error, ManifestError, TlsFailure};

use super::creation_hints;
use super::peer_hints::for_peer;
pub(crate) use super::status_hints::Operation;
use super::status_hints::{for_status, for_throttling};
use crate::cli::failure::Failure;

/// Returns the hint for a failed row.
pub(crate) fn for_row(row: &Row, error: &RowError) -> Option<String> {
    match error {
        RowError::Read(error) => for_request(Operation::Read, &row.source, error),
        RowError::Write(error) => for_request(Operation::Write, &row.destination, error),
        RowError::Name(error) => for_request(Operation::Read, &row.source, error),
        RowError::Creation(error) => creation_hints::for_creation(&row.destination, error),
        RowError::Referrer { error, .. } => for_row(row, error),
        RowError::ForeignLayer(_) => Some(format!(
            "{}, or remove the row",
            for_foreign_layer(&row.destination)
        )),
        RowError::SourceMissing {
            now: Some(now), ..
        } if is_pinned(row) => Some(for_pinned_tag(tag_or_digest(&row.source), now.as_ref())),
        // The approved digest is missing, not the tag.
        RowError::SourceMissing { reference, .. }
            if row.approved_digest().is_some() && *reference != row.source.to_string() =>
        {
            Some(for_moved_row(row))
        }
        RowError::SourceMissing { .. } => Some(source_missing(row)),
        RowError::NoPlatform { .. } => Some(NO_PLATFORM.to_owned()),
        RowError::Timeout { .. } => {
            Some("run again to continue it, or give rows more time with --row-timeout".to_owned())
        }
        RowError::Rejected(rejection) => rejection.hint.clone(),
        RowError::Moved(_) => Some(for_moved_row(row)),
        RowError::NotApproved => Some(
            "run once without --locked to lock it, review the lock, and commit it".to_owned(),
        ),
        RowError::SameLocation { .. } if row.source == row.destination => {
            Some("name another destination or tag".to_owned())
        }
        RowError::SameLocation { .. } => Some(
            "registries.conf or an override maps one onto the other: change the destination of the \
             row, or run without --registries-conf"
                .to_owned(),
        ),
        RowError::Manifest(error) => for_manifest(&row.source, error),
        RowError::Conflict(_) => {
            Some("give one of the two rows another destination or tag".to_owned())
        }
        _ => None,
    }
}

/// Returns the hint for a failed comparison.
pub(crate) fn for_comparison(row: &Row, error: &CompareError) -> Option<String> {
    match error {
        CompareError::Source(error) => for_request(Operation::Read, &row.source, error),
        CompareError::Destination(error) => for_request(Operation::Read, &row.destination, error),
        CompareError::MayBeMissing { .. } => {
            let host = row.destination.registry();
            Some(format!(
                "run `mirror sync`, which creates it before the first image, or check the credentials \
                 with `mirror ping {host}`"
            ))
        }
        CompareError::SourceMissing { .. } => Some(source_missing(row)),
        CompareError::NoPlatform { .. } => Some(NO_PLATFORM.to_owned()),
        CompareError::Manifest(error) => for_manifest(&row.source, error),
        _ => None,
    }
}

/// Returns the hint for a manifest that cannot be used.
pub(crate) fn for_manifest(image: &Reference, error: &ManifestError) -> Option<String> {
    let host = image.registry();
    match error {
        ManifestError::Unreadable { .. } => Some(format!(
            "check that {host} is a registry, and not a web site or a proxy that answers in its place"
        )),
        _ => None,
    }
}

/// Returns the hint for a row whose source tag has moved.
pub(crate) fn for_moved_row(row: &Row) -> String {
    if is_pinned(row) {
        return for_pinned_tag(tag_or_digest(&row.source), "DIGEST");
    }
    for_moved_tag(&full_repository(&row.source), tag_or_digest(&row.source))
}

fn is_pinned(row: &Row) -> bool {
    let approved = row.approved.as_ref();
    approved.is_some_and(|approved| approved.pinned)
}

/// Returns the hint for a source tag that has moved from the digest in the list to another one.
pub(crate) fn for_pinned_tag(tag: &str, digest: &str) -> String {
    format!("review the new image, then write `{tag}@{digest}` with its digest in the list")
}

/// Returns the hint for a source tag that has moved.
pub(crate) fn for_moved_tag(repository: &str, tag: &str) -> String {
    format!(
        "review the new image, then approve it with `mirror lock --update --match {repository}:{tag}`"
    )
}

const NO_PLATFORM: &str = "name other platforms with --platform, or copy all without it";

fn source_missing(row: &Row) -> String {
    let repository = full_repository(&row.source);
    format!("list the tags with `mirror tags {repository}`, then correct or remove the row")
}

/// Returns the hint for an image that does not exist and is in no row.
pub(crate) fn for_missing_image(image: &Reference) -> String {
    let repository = full_repository(image);
    format!("list the tags with `mirror tags {repository}`, then name one of them")
}

/// Returns the hint for a destination that refuses layers with URLs elsewhere.
pub(crate) fn for_foreign_layer(destination: &Reference) -> String {
    let host = destination.registry();
    format!("allow the URLs of the layer in the configuration of {host}")
}

/// Returns the failure of a command whose only request failed.
pub(crate) fn request_failure(operation: Operation, image: &Reference, error: &Error) -> Failure {
    let message = error.to_string();
    let failure = if error.is_refused() {
        Failure::refused(message)
    } else {
        Failure::failed(message)
    };
    failure.hint(for_request(operation, image, error))
}

/// Returns the hint for a failed request to a registry as a whole.
pub(crate) fn for_host(host: &str, error: &Error) -> Option<String> {
    if let Some(hint) = for_peer(host, error) {
        return Some(hint);
    }
    if error
        .status()
        .is_some_and(|status| status.is_server_error())
    {
        return Some(format!("run again when {host} has recovered"));
    }
    match error {
        Error::Connection { failure, .. } => for_connection(host, *failure),
        Error::Tls { failure, .. } => for_connection(host, ConnectionFailure::Tls(*failure)),
        Error::Status(status) if status.status.as_u16() == 404 => {
            Some(format!("check the name: {host} has no registry API"))
        }
        Error::Status(status) if status.is_throttled() => Some(for_throttling(host, status)),
        Error::Status(_) => None,
        Error::Protocol { .. } => Some(format!(
            "check the name: a web site or a proxy answers in place of a registry at {host}"
        )),
        error => {
            let image = Reference::with_tag(host.to_owned(), "image".to_owned(), "x".to_owned());
            for_request(Operation::Read, &image, error)
        }
    }
}

/// Returns the hint for a failed request for an image.
pub(crate) fn for_request(
    operation: Operation,
    image: &Reference,
    error: &Error,
) -> Option<String> {
    let host = image.registry();
    if let Some(hint) = for_peer(host, error) {
        return Some(hint);
    }
    match error {
        Error::Status(status) => for_status(operation, image, status),
        Error::Connection { failure, .. } => for_connection(host, *failure),
        Error::Tls { failure, .. } => for_connection(host, ConnectionFailure::Tls(*failure)),
        Error::HostDown {
            failure: Some(failure),
            ..
        } => for_connection(host, *failure),
        Error::Timeout { .. } | Error::HostDown { failure: None, .. } => {
            Some("run again later, or with fewer --jobs".to_owned())
        }
        Error::TokenServer { server, error, .. } => for_token_server(server, host, error),
        Error::Proxy { status, .. } => Some(for_proxy(host, status.as_u16())),
        Error::QuotaExhausted { .. } => Some(format!(
            "run again when the quota of {host} is restored, log in with `mirror login {host}` as an \
             account with a higher one, or spread the rows over several runs with --max-pulls {host}=N"
        )),
        Error::MaxPulls { .. } => {
            Some("run again to copy the rest, or raise --max-pulls".to_owned())
        }
        Error::RateLimited { .. } => {
            Some("run again after that time, or accept longer pauses with --max-wait".to_owned())
        }
        // The message says what to do, and a login has no effect while the variable is set.
        Error::Credentials { source, .. } if source.is_of_variable() => None,
        Error::Credentials { .. } => Some(format!(
            "correct the auth file or the credential helper, or run `mirror login {host}`"
        )),
        Error::Trust { .. } => Some(
            "correct the certificate directory, or name another one with --cert-dir".to_owned(),
        ),
        Error::Blocked(ResolveError::NoRepository { .. }) => Some(
            "add a path to the `location` in registries.conf, or run without the file".to_owned(),
        ),
        Error::Blocked(_) => {
            Some("remove `blocked` from registries.conf, or run without the file".to_owned())
        }
        Error::DigestMismatch { .. } | Error::SizeMismatch { .. } => Some(format!(
            "run again; if the error persists, report damaged content to the operator of {host}"
        )),
        Error::DocumentMemory { .. } => Some(
            "copy fewer platforms with --platform, or fewer referrers with --no-referrers"
                .to_owned(),
        ),
        Error::MissingPage { .. } => Some(format!(
            "run again, since the list may have changed meanwhile; if the error persists, report it to the \
             operator of {host}"
        )),
        Error::NotSent { .. } => Some(format!(
            "report the URL, which is outside the repository, to the operator of {host}"
        )),
        _ => None,
    }
}

fn for_proxy(host: &str, status: u16) -> String {
    if status == 407 {
        format!("set user and password of the proxy in HTTPS_PROXY, or exempt {host} with NO_PROXY")
    } else {
        format!("let the proxy connect to {host}, or exempt {host} with NO_PROXY")
    }
}

/// Returns the hint for a token server that cannot be reached.
fn for_token_server(server: &str, host: &str, error: &Error) -> Option<String> {
    let failure = match error {
        Error::Connection { failure, .. } => *failure,
        Error::HostDown { failure, .. } => (*failure)?,
        // The certificates for a registry apply to its token server.
        Error::Tls { failure, .. } => return for_handshake(host, *failure),
        _ => ConnectionFailure::TimedOut,
    };
    match failure {
        ConnectionFailure::Refused => Some(format!(
            "start the token server {server}, or correct the realm in the configuration of {host}"
        )),
        failure => for_connection(server, failure),
    }
}

fn for_connection(host: &str, failure: ConnectionFailure) -> Option<String> {
    match failure {
        ConnectionFailure::NameResolution => {
            Some(format!("check the name {host} and the name servers"))
        }
        ConnectionFailure::Refused => Some(format!(
            "check the host and the port: no registry listens at {host}"
        )),
        ConnectionFailure::Unreachable => {
            Some(format!("check the network and the route to {host}"))
        }
        ConnectionFailure::TimedOut => Some(format!(
            "check that a firewall or a proxy lets connections to {host} pass"
        )),
        ConnectionFailure::Proxy => Some(format!(
            "check HTTPS_PROXY and HTTP_PROXY, or exempt {host} with NO_PROXY"
        )),
        ConnectionFailure::Tls(failure) => for_handshake(host, failure),
        _ => None,
    }
}

fn for_handshake(host: &str, failure: TlsFailure) -> Option<String> {
    match failure {
        TlsFailure::NotTls => Some(format!(
            "if {host} uses plain HTTP, run with --insecure {host}"
        )),
        TlsFailure::CertificateDate => Some(format!(
            "check the clock of this machine; if it is right, renew the certificate of {host}"
        )),
        TlsFailure::CertificateName => Some(format!(
            "use a host name of the certificate, or give {host} a certificate with its name"
        )),
        TlsFailure::UntrustedCertificate => Some(format!(
            "put the registry's certificate authority, or its self-signed certificate, as *.crt into a \
             directory and name it with --cert-dir, or into /etc/containers/certs.d/{host}"
        )),
        TlsFailure::ClientCertificateRequired => Some(format!(
            "put a client certificate as NAME.cert and NAME.key into a directory and name it with \
             --cert-dir, or into /etc/containers/certs.d/{host}"
        )),
        TlsFailure::ClientCertificateRefused => Some(format!(
            "check the client certificate for {host}: its authority, its dates, its key usage"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_failures_have_hints_of_their_own() {
        let table = [
            (
                ConnectionFailure::NameResolution,
                "check the name r.io:5000",
            ),
            (
                ConnectionFailure::Refused,
                "no registry listens at r.io:5000",
            ),
            (ConnectionFailure::Unreachable, "the route to r.io:5000"),
            (ConnectionFailure::TimedOut, "firewall"),
            (ConnectionFailure::Proxy, "NO_PROXY"),
            (
                ConnectionFailure::Tls(TlsFailure::NotTls),
                "--insecure r.io:5000",
            ),
            (
                ConnectionFailure::Tls(TlsFailure::CertificateDate),
                "the clock",
            ),
            (
                ConnectionFailure::Tls(TlsFailure::CertificateName),
                "a host name of the certificate",
            ),
            (
                ConnectionFailure::Tls(TlsFailure::UntrustedCertificate),
                "*.crt",
            ),
            (
                ConnectionFailure::Tls(TlsFailure::ClientCertificateRequired),
                "NAME.cert",
            ),
            (
                ConnectionFailure::Tls(TlsFailure::ClientCertificateRefused),
                "its authority",
            ),
        ];
        for (failure, want) in table {
            let hint = for_connection("r.io:5000", failure).unwrap_or_default();
            assert!(hint.contains(want), "{failure:?}: {hint}");
        }
        assert_eq!(for_connection("r.io", ConnectionFailure::Closed), None);
    }
}
