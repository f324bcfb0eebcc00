//! The authorization of requests to vendors' APIs.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::sigv4::{AwsKeys, SignedRequest, sign};
use crate::auth::basic;
use crate::credentials::Secret;
use crate::sent_secrets::record_sent_secret;

/// The authorization of a request to a vendor's API.
#[derive(Debug, Clone)]
pub(crate) enum VendorAuthorization {
    /// A request that obtains a token, with the credentials in its body.
    None,
    Basic {
        username: String,
        password: Secret,
    },
    Bearer(Secret),
    /// An `Authorization` header without a scheme, for the token of a container.
    Plain(Secret),
    /// GitLab's `PRIVATE-TOKEN`.
    PrivateToken(Secret),
    /// Signature Version 4 for Amazon ECR in a region.
    Aws {
        keys: AwsKeys,
        region: String,
    },
}

impl VendorAuthorization {
    /// Returns the headers of one attempt at `now`, or `None` for a secret that cannot be sent in a
    /// header. A signature depends on the time, so each attempt has its own.
    pub(crate) fn headers(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        payload: &Bytes,
        now: DateTime<Utc>,
    ) -> Option<HeaderMap> {
        let (name, value) = match self {
            Self::None => return Some(HeaderMap::new()),
            Self::Basic { username, password } => {
                (AUTHORIZATION, basic(username, password.expose())?)
            }
            Self::Bearer(token) => {
                let text = format!("Bearer {}", token.expose());
                (AUTHORIZATION, sensitive(token, &text)?)
            }
            Self::Plain(token) => (AUTHORIZATION, sensitive(token, token.expose())?),
            Self::PrivateToken(token) => {
                let name = HeaderName::from_static("private-token");
                (name, sensitive(token, token.expose())?)
            }
            Self::Aws { keys, region } => {
                let request = SignedRequest {
                    method,
                    url,
                    headers,
                    payload,
                };
                return sign(&request, keys, region, "ecr", now);
            }
        };
        Some([(name, value)].into_iter().collect())
    }
}

/// Returns a header value with a secret, and registers the secret to be cut from the text of peers.
fn sensitive(secret: &Secret, text: &str) -> Option<HeaderValue> {
    record_sent_secret(secret.expose());
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
