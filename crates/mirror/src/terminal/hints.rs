//! Hints for failed requests and rows: the option or the command that may help.

use copier::{CompareError, Row, RowError};
use image_name::{full_repository, tag_or_digest};
use oci_spec::distribution::Reference;
use registry_client::registries_conf::ResolveError;
use registry_client::{ConnectionFailure, Error, ManifestError, StatusError, TlsFailure};

use super::creation_hints;
use super::peer_hints::{for_peer, names_quota};
use crate::cli::failure::Failure;

/// The purpose of a request for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reading from a source, or comparing.
    Read,
    /// Writing to a destination.
    Write,
}

/// Returns the hint for a failed row.
pub(crate) fn for_row(row: &Row, error: &RowError) -> Option<String> {
    match error {
        RowError::Read(error) => for_request(Operation::Read, &row.source, error),
        RowError::Write(error) => for_request(Operation::Write, &row.destination, error),
        RowError::Name(error) => for_request(Operation::Read, &row.source, error),
        RowError::Creation(error) => creation_hints::for_creation(&row.destination, error),
        RowError::Referrer { error, .. } => for_row(row, error),
        RowError::ForeignLayer(_) => Some(format!(
            "allow the URLs of the layer in the configuration of {}, or remove the row",
            row.destination.registry()
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

fn may_not_exist(operation: Operation, host: &str, repository: &str) -> String {
    if operation == Operation::Read && image_name::is_docker_hub(host) {
        format!(
            "; the repository {repository} may not exist, for which Docker Hub responds the same"
        )
    } else {
        String::new()
    }
}

fn for_status(operation: Operation, image: &Reference, error: &StatusError) -> Option<String> {
    let (host, repository) = (image.registry(), image.repository());
    // Most registries reject indexes with missing children, among them Docker Hub and distribution
    // with its default validation.
    if operation == Operation::Write
        && (error.has_code("MANIFEST_BLOB_UNKNOWN") || error.has_code("MANIFEST_UNKNOWN"))
    {
        return Some(format!(
            "with --sparse, run without it to write a rebuilt index, since {host} rejects indexes with \
             missing children; otherwise run again, since {host} has lost content that it had"
        ));
    }
    // Some registries answer 403 when a quota is used up, and their message says so.
    let unless = match (error.status.as_u16(), operation) {
        (403, Operation::Write) if !error.codes.is_empty() => {
            ", unless the message names another cause, such as a quota"
        }
        _ => "",
    };
    let missing = may_not_exist(operation, host, repository);
    match (error.status.as_u16(), operation) {
        (401 | 403 | 404, _) if error.redirected => Some(format!(
            "run again, since links of {host} to its storage expire; if the error persists, report it to \
             the operator of {host}"
        )),
        (401 | 403, _) if !error.authenticated => Some(format!(
            "no credentials were sent: log in with `mirror login {host}`{missing}{unless}"
        )),
        (401 | 403, Operation::Read) => Some(format!(
            "check that the account may read {repository}, or log in again with `mirror login {host}`\
             {missing}"
        )),
        (401 | 403, Operation::Write) => Some(format!(
            "check that the account may write to {repository}, or log in again with `mirror login {host}`{unless}"
        )),
        (404, Operation::Write) => Some(format!(
            "create the repository {host}/{repository} first: {host} does not create it on push"
        )),
        (404, Operation::Read) => Some(format!("check the name {host}/{repository}")),
        (429, _) => Some(for_throttling(host, error)),
        (413, _) => Some(format!(
            "raise the limit on request sizes at {host} or at a proxy in front of it"
        )),
        (405, Operation::Write) => Some(format!(
            "name another destination: {host} takes no images there, since it is read-only or a cache of \
             another registry"
        )),
        (409 | 412, Operation::Write) if names_quota(error) => Some(format!(
            "free storage at {host}, or raise the quota that the message names, then run again"
        )),
        (409 | 412, Operation::Write) => Some(
            "if the tag is immutable, delete it at the destination or use another tag".to_owned(),
        ),
        (507, _) => Some(format!("free storage at {host}, then run again")),
        (500..=599, _) => Some(format!(
            "run again when {host} has recovered; finished rows stay finished"
        )),
        _ => None,
    }
}

/// Returns the hint for a host that asks for fewer requests.
fn for_throttling(host: &str, error: &StatusError) -> String {
    let when = match error.retry_after.filter(|wait| !wait.is_zero()) {
        Some(wait) => format!(
            "after the pause of {} s that {host} requests",
            wait.as_secs()
        ),
        None => "later".to_owned(),
    };
    if error.authenticated {
        return format!("run again {when}, or with fewer --jobs");
    }
    format!(
        "run again {when}; no credentials were sent: if {host} allows accounts more, log in with \
         `mirror login {host}`"
    )
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

    fn refused(redirected: bool, authenticated: bool) -> StatusError {
        StatusError {
            method: http::Method::GET,
            url: "https://r.io/v2/a/b/manifests/1".to_owned(),
            status: http::StatusCode::UNAUTHORIZED,
            codes: Vec::new(),
            text: String::new(),
            authenticated,
            retry_after: None,
            redirected,
        }
    }

    #[test]
    fn refusals_have_hints_of_their_own() {
        for (image, redirected, authenticated, want, not) in [
            (
                "quay.io/a/b:1",
                false,
                false,
                "no credentials were sent",
                "exist",
            ),
            ("quay.io/a/b:1", false, true, "may read a/b", "exist"),
            ("quay.io/a/b:1", true, false, "storage", "log in"),
            (
                "docker.io/a/b:1",
                false,
                false,
                "a/b may not exist",
                "account",
            ),
            (
                "docker.io/a/b:1",
                false,
                true,
                "a/b may not exist",
                "no credentials",
            ),
        ] {
            let image: Reference = image.parse().unwrap();
            let error = refused(redirected, authenticated);
            let hint = for_status(Operation::Read, &image, &error).unwrap();
            assert!(
                hint.contains(want) && !hint.contains(not),
                "{image}: {hint}"
            );
        }
    }

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
