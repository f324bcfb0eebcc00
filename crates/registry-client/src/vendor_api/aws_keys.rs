//! AWS keys: configured, or from the endpoint of a container.
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

/// The endpoint of Amazon ECS, to which the relative URI refers.
const ECS: &str = "http://169.254.170.2";

/// The hosts that may be used without TLS, besides loopback hosts: the endpoints of Amazon ECS and EKS.
const LINK_LOCAL: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];

/// Keys are renewed this long before they expire, as in the SDKs.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);

/// Maximum size of a token file in bytes. Tokens have about one KiB.
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
    /// Returns the configured keys.
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

/// Returns true for the IP address of an endpoint of Amazon ECS or EKS.
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
            // New keys that expire soon are used too, since there are no others.
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

    fn url(relative: Option<&str>, full: Option<&str>) -> Result<Option<String>, CreationError> {
        let credentials = AwsCredentials {
            container_relative_uri: relative.map(str::to_owned),
            container_full_uri: full.map(str::to_owned),
            ..AwsCredentials::default()
        };
        Ok(credentials.container_url()?.map(String::from))
    }

    #[test]
    fn relative_uri_is_a_path_at_amazon_ecs() {
        let ecs = |path: &str| Some(format!("http://169.254.170.2{path}"));
        assert_eq!(url(Some("/a?id=1"), None).unwrap(), ecs("/a?id=1"));
        assert_eq!(url(Some("/a"), Some("http://x/")).unwrap(), ecs("/a"));
        for relative in ["a", "@evil.io/", ":80@evil.io/", ""] {
            url(Some(relative), None).unwrap_err();
        }
        assert_eq!(url(None, None).unwrap(), None);
    }

    /// The cases of the AWS SDK for Rust (`aws-config/test-data/ecs-tests.json`), and more.
    #[test]
    fn full_uri_is_https_or_at_this_machine() {
        let table = [
            ("https://foo.com/c", true),
            ("http://127.0.0.1:8080/c", true),
            ("http://localhost/c", true),
            ("http://[::1]/c", true),
            ("http://169.254.170.23/v1", true),
            ("http://[fd00:ec2::23]/v1", true),
            ("/credentials", false),
            ("http://169.254.169.254/v1", false),
            ("http://192.168.1.1/v1", false),
            ("http://foo.com/c", false),
            ("http://127.0.0.1.foo.com/c", false),
            ("https://u:p@foo.com/c", false),
            ("ftp://127.0.0.1/c", false),
        ];
        for (full, allowed) in table {
            let found = url(None, Some(full)).ok().flatten();
            assert_eq!(found.as_deref(), allowed.then_some(full));
        }
    }
}
