//! The keys of AWS: given, or from the endpoint of a container.
//!
//! Source: AWS SDKs and tools reference, "Container credential provider".

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::creation::CreationError;
use super::vendor_credentials::AwsCredentials;
use super::vendor_host::VendorHost;
use crate::credentials::Secret;
use crate::lock::lock;
use crate::security::is_loopback;
use crate::vendor_operation::{AwsKeys, VendorAuthorization};

/// The endpoint of Amazon ECS, at which the relative URI is.
const ECS: &str = "http://169.254.170.2";

/// The hosts without TLS besides loopback hosts: the endpoints of Amazon ECS and EKS.
const LINK_LOCAL: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Keys are renewed this long before they expire, as in the SDKs.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// The largest token file in bytes; tokens have about one KiB.
const MAX_TOKEN: u64 = 64 * 1024;

/// The keys of a container, shared by all requests until they expire.
#[derive(Debug, Default)]
pub(crate) struct ContainerKeys {
    current: Mutex<Arc<OnceCell<Obtained>>>,
}

#[derive(Debug, Clone)]
struct Obtained {
    keys: AwsKeys,
    expires: Option<DateTime<Utc>>,
}

/// The response of an endpoint.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeysDocument {
    access_key_id: String,
    secret_access_key: Secret,
    token: Option<Secret>,
    expiration: Option<String>,
}

impl AwsCredentials {
    /// Returns the keys that are given.
    pub(crate) fn keys(&self) -> Option<AwsKeys> {
        Some(AwsKeys {
            access_key_id: self.access_key_id.clone()?,
            secret_access_key: self.secret_access_key.clone()?,
            session_token: self.session_token.clone(),
        })
    }

    /// Returns the URL of the container's endpoint, `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`CreationError::Keys`] for a URL that is neither https nor that of a loopback host, Amazon ECS or
    /// Amazon EKS: it could send the token, and receive the keys, over a network in plain text.
    pub(crate) fn container_url(&self) -> Result<Option<Url>, CreationError> {
        let invalid = |what: String| CreationError::Keys { what };
        let text = match (&self.container_relative_uri, &self.container_full_uri) {
            (Some(relative), _) if relative.starts_with('/') => format!("{ECS}{relative}"),
            (Some(_), _) => {
                let what = "the relative URI of the endpoint does not start with `/`";
                return Err(invalid(what.to_owned()));
            }
            (None, Some(full)) => full.clone(),
            (None, None) => return Ok(None),
        };
        let url: Url = text
            .parse()
            .map_err(|error| invalid(format!("the URI of the endpoint is invalid: {error}")))?;
        let host = url.host_str().unwrap_or_default();
        let is_allowed = match url.scheme() {
            "https" => true,
            "http" => is_loopback(host) || is_link_local_endpoint(host),
            _ => false,
        };
        if !is_allowed || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(format!(
                "{}://{host} is neither https nor the endpoint of a container (a loopback address, {})",
                url.scheme(),
                LINK_LOCAL.join(", ")
            )));
        }
        Ok(Some(url))
    }

    /// Returns the token for the endpoint.
    ///
    /// # Errors
    ///
    /// [`CreationError::Keys`] if its file cannot be read.
    async fn container_token(&self) -> Result<Option<Secret>, CreationError> {
        let Some(file) = &self.container_token_file else {
            return Ok(self.container_token.clone());
        };
        let unreadable = |what: String| CreationError::Keys {
            what: format!("token file {}: {what}", file.display()),
        };
        let metadata = tokio::fs::metadata(file).await;
        let metadata = metadata.map_err(|error| unreadable(error.to_string()))?;
        if metadata.len() > MAX_TOKEN {
            return Err(unreadable(format!("larger than {MAX_TOKEN} bytes")));
        }
        let text = tokio::fs::read_to_string(file).await;
        let text = text.map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(Secret::from(text.trim().to_owned())))
    }
}

/// Returns whether an IP address is that of an endpoint of Amazon ECS or EKS.
fn is_link_local_endpoint(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    LINK_LOCAL
        .iter()
        .any(|known| address.is_ok() && known.parse() == address)
}

impl ContainerKeys {
    /// Returns the keys, requested from the endpoint if there are none or they expire soon.
    pub(crate) async fn get(
        &self,
        endpoint: &VendorHost,
        target: &str,
        credentials: &AwsCredentials,
    ) -> Result<AwsKeys, CreationError> {
        loop {
            let cell = Arc::clone(&lock(&self.current));
            let is_new = !cell.initialized();
            let fetch = || fetch(endpoint, target, credentials);
            let obtained = cell.get_or_try_init(fetch).await?;
            let is_valid = obtained
                .expires
                .is_none_or(|expires| expires - RENEW_BEFORE > Utc::now());
            // Keys that are new and expire soon are the best there are.
            if is_valid || is_new {
                return Ok(obtained.keys.clone());
            }
            let mut current = lock(&self.current);
            if Arc::ptr_eq(&current, &cell) {
                *current = Arc::default();
            }
        }
    }
}

async fn fetch(
    endpoint: &VendorHost,
    target: &str,
    credentials: &AwsCredentials,
) -> Result<Obtained, CreationError> {
    let authorization = match credentials.container_token().await? {
        Some(token) => VendorAuthorization::Plain(token),
        None => VendorAuthorization::None,
    };
    let response = endpoint.with(authorization).get(target, &[200]).await?;
    // The error of the parser may quote a key.
    let document: Option<KeysDocument> = serde_json::from_slice(response.body()).ok();
    let document = document.ok_or_else(|| {
        response.protocol_error("the response does not have the keys of a container")
    })?;
    let expires = document.expiration.as_deref();
    let expires = expires.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    Ok(Obtained {
        keys: AwsKeys {
            access_key_id: document.access_key_id,
            secret_access_key: document.secret_access_key,
            session_token: document.token,
        },
        expires: expires.map(|time| time.with_timezone(&Utc)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of the AWS SDK for Rust (`aws-config/test-data/ecs-tests.json`), and IPv6.
    #[test]
    fn container_url_is_https_or_at_this_machine() {
        let table = [
            (
                Some("/credentials"),
                None,
                Ok(Some("http://169.254.170.2/credentials")),
            ),
            (
                Some("/a?id=1"),
                Some("http://x/"),
                Ok(Some("http://169.254.170.2/a?id=1")),
            ),
            (Some("credentials"), None, Err(())),
            (Some("@evil.io/"), None, Err(())),
            (None, Some("/credentials"), Err(())),
            (
                None,
                Some("https://foo.com/c"),
                Ok(Some("https://foo.com/c")),
            ),
            (
                None,
                Some("http://127.0.0.1:8080/c"),
                Ok(Some("http://127.0.0.1:8080/c")),
            ),
            (
                None,
                Some("http://localhost/c"),
                Ok(Some("http://localhost/c")),
            ),
            (None, Some("http://[::1]/c"), Ok(Some("http://[::1]/c"))),
            (
                None,
                Some("http://169.254.170.23/v1"),
                Ok(Some("http://169.254.170.23/v1")),
            ),
            (
                None,
                Some("http://[fd00:ec2::23]/v1"),
                Ok(Some("http://[fd00:ec2::23]/v1")),
            ),
            (None, Some("http://169.254.169.254/v1"), Err(())),
            (None, Some("http://192.168.1.1/v1"), Err(())),
            (None, Some("http://foo.com/c"), Err(())),
            (None, Some("http://127.0.0.1.foo.com/c"), Err(())),
            (None, Some("https://u:p@foo.com/c"), Err(())),
            (None, Some("ftp://127.0.0.1/c"), Err(())),
            (None, None, Ok(None)),
        ];
        for (relative, full, expected) in table {
            let credentials = AwsCredentials {
                container_relative_uri: relative.map(str::to_owned),
                container_full_uri: full.map(str::to_owned),
                ..AwsCredentials::default()
            };
            let url = credentials.container_url();
            let url = url.map(|url| url.map(String::from)).map_err(drop);
            assert_eq!(
                url,
                expected.map(|url| url.map(str::to_owned)),
                "{relative:?} {full:?}"
            );
        }
    }
}
