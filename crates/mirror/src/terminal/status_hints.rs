//! Hints for error responses of registries, by their status.

use oci_spec::distribution::Reference;
use registry_client::StatusError;

use super::peer_hints::names_quota;

/// The purpose of a request for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Reading from a source, or comparing.
    Read,
    /// Writing to a destination.
    Write,
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

/// Returns the hint for an error response.
pub(super) fn for_status(
    operation: Operation,
    image: &Reference,
    error: &StatusError,
) -> Option<String> {
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
        (403 | 409 | 412, Operation::Write) if names_quota(error) => Some(format!(
            "free storage at {host}, or raise the quota that the message names, then run again"
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
pub(super) fn for_throttling(host: &str, error: &StatusError) -> String {
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
    fn full_project_of_harbor_is_no_refusal_of_credentials() {
        let image: Reference = "harbor.io/a/b:1".parse().unwrap();
        let text = "adding 3.2 MiB of storage resource, which when updated to current usage of 1.0 GiB will \
                    exceed the configured upper limit of 1.0 GiB.";
        let error = StatusError {
            status: http::StatusCode::FORBIDDEN,
            text: text.to_owned(),
            ..refused(false, true)
        };
        let hint = for_status(Operation::Write, &image, &error).unwrap();
        assert!(hint.starts_with("free storage at harbor.io"), "{hint}");
    }
}
