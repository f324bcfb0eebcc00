//! The credentials for the APIs of vendors.

use std::path::PathBuf;

use crate::credentials::Secret;

/// Credentials for the APIs of vendors, beside those of the registries.
#[derive(Debug, Clone, Default)]
pub struct VendorCredentials {
    /// The credentials of AWS.
    pub aws: AwsCredentials,
    /// A token of GitLab (`api`).
    pub gitlab: Option<HostToken>,
    /// An OAuth 2 access token of quay (`repo:create`).
    pub quay: Option<HostToken>,
}

/// A token and the only host that it is sent to.
#[derive(Debug, Clone)]
pub struct HostToken {
    /// The host, `HOST[:PORT]`.
    pub host: String,
    /// The token.
    pub token: Secret,
}

/// The credentials of AWS: keys, or the endpoint at which a container gets its keys.
///
/// Source: AWS SDKs and tools reference, "AWS access keys" and "Container credential provider". Keys take
/// precedence, then the relative URI, then the full one.
#[derive(Debug, Clone, Default)]
pub struct AwsCredentials {
    /// `AWS_ACCESS_KEY_ID`
    pub access_key_id: Option<String>,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret_access_key: Option<Secret>,
    /// `AWS_SESSION_TOKEN`, for temporary keys.
    pub session_token: Option<Secret>,
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, in Amazon ECS: a path at `169.254.170.2`.
    pub container_relative_uri: Option<String>,
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`, in Amazon EKS: a URL.
    pub container_full_uri: Option<String>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`, for the endpoint.
    pub container_token: Option<Secret>,
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, read before each request for keys. It takes precedence over
    /// the token.
    pub container_token_file: Option<PathBuf>,
}

impl HostToken {
    /// Returns the token if it is for a host.
    pub(crate) fn for_host(token: Option<&Self>, host: &str) -> Option<Secret> {
        let token = token.filter(|token| token.host.eq_ignore_ascii_case(host))?;
        Some(token.token.clone())
    }
}
