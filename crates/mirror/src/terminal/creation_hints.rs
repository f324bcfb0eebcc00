//! Hints for repositories that were not created.

use oci_spec::distribution::Reference;
use registry_client::{CreationApi, CreationError, Error, StatusError};

/// The codes of AWS for keys that are invalid, expired, or used with an incorrect time or region.
const INVALID_KEYS: [&str; 5] = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

/// Returns the hint for a repository that was not created. Failed connections have no hint of their own.
pub(super) fn for_creation(destination: &Reference, error: &CreationError) -> Option<String> {
    let host = destination.registry();
    match error {
        CreationError::Request(Error::Status(status)) => for_status(destination, status),
        CreationError::Request(Error::RateLimited { .. }) => {
            Some("run again after that time, or accept longer pauses with --max-wait".to_owned())
        }
        CreationError::Request(_) => Some(format!(
            "check the connection to the API of {host}, or create the repository first"
        )),
        CreationError::NoCredentials { api, .. } => Some(credentials_of(*api, host)),
        CreationError::Unsupported { .. } => Some(
            "correct the path of the destination, or `create` of its target in targets.json"
                .to_owned(),
        ),
        CreationError::Keys { .. } => Some(
            "correct AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI or \
             AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Returns the credentials to configure for an API.
fn credentials_of(api: CreationApi, host: &str) -> String {
    match api {
        CreationApi::Ecr => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where AWS \
                             provides the keys of a container"
            .to_owned(),
        CreationApi::GitLab => format!(
            "set GITLAB_TOKEN to a token with the scope `api` and GITLAB_HOST to the host of GitLab, or \
             log in with such a token: `mirror login {host}`"
        ),
        CreationApi::Quay => format!(
            "set QUAY_TOKEN to an OAuth 2 access token with the permission `Create Repositories`, and \
             QUAY_HOST to {host}"
        ),
        _ => format!("log in with `mirror login {host}`"),
    }
}

fn for_status(destination: &Reference, error: &StatusError) -> Option<String> {
    let (host, path) = (destination.registry(), destination.repository());
    if error.has_code("AccessDeniedException") {
        return Some(format!(
            "allow the IAM action ecr:CreateRepository for repository/{path}, or create the repository \
             first"
        ));
    }
    if INVALID_KEYS.iter().any(|code| error.has_code(code)) {
        return Some(
            "renew the AWS keys (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), and \
             check the clock of this machine"
                .to_owned(),
        );
    }
    if error.has_code("LimitExceededException") {
        return Some("raise the quota of repositories of the AWS account".to_owned());
    }
    match error.status.as_u16() {
        401 => Some(format!(
            "check the credentials for the API of {host}: those of `mirror login {host}`, GITLAB_TOKEN or \
             QUAY_TOKEN"
        )),
        402 => Some(format!("raise the limit of private repositories at {host}")),
        403 => Some(format!(
            "let the account or token create repositories and projects at {host}, or create {path} first"
        )),
        404 => Some(format!(
            "correct `create` of the target in targets.json: {host} has no such API"
        )),
        500..=599 => Some(format!("run again when the API of {host} has recovered")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credentials_have_a_hint_for_each_api() {
        let destination = "r.io/team/app:1".parse().unwrap();
        let table = [
            (CreationApi::Ecr, "AWS_ACCESS_KEY_ID"),
            (CreationApi::Harbor, "mirror login r.io"),
            (CreationApi::GitLab, "GITLAB_TOKEN"),
            (CreationApi::Quay, "QUAY_TOKEN"),
        ];
        for (api, want) in table {
            let host = "r.io".to_owned();
            let error = CreationError::NoCredentials { api, host };
            let hint = for_creation(&destination, &error).unwrap();
            assert!(hint.contains(want), "{api}: {hint}");
        }
    }
}
