//! Signature Version 4, with which requests to AWS are authorized.
//!
//! Source: AWS IAM user guide, "Create a signed AWS API request". Only requests of the JSON 1.1 protocol
//! are signed: their path is `/`, and they have no query.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::hmac;
use url::{Position, Url};

use crate::credentials::Secret;
use crate::digest::{hex, sha256_digest};
use crate::sent_secrets::record_sent_secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The keys of an AWS account or role.
#[derive(Debug, Clone)]
pub(crate) struct AwsKeys {
    /// The access key ID, which is not secret: CloudTrail shows it.
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    /// The token of temporary keys.
    pub(crate) session_token: Option<Secret>,
}

/// A request to sign.
#[derive(Debug)]
pub(super) struct SignedRequest<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    /// The headers to sign, besides `host` and those of the signature.
    pub(super) headers: &'a HeaderMap,
    pub(super) payload: &'a Bytes,
}

/// Returns the headers that sign a request at `now`, or `None` if a key cannot be sent in a header.
pub(super) fn sign(
    request: &SignedRequest<'_>,
    keys: &AwsKeys,
    region: &str,
    service: &str,
    now: DateTime<Utc>,
) -> Option<HeaderMap> {
    let time = now.format("%Y%m%dT%H%M%SZ").to_string();
    let date = &time[..8];
    let mut added = HeaderMap::new();
    added.insert(
        HeaderName::from_static("x-amz-date"),
        HeaderValue::from_str(&time).ok()?,
    );
    if let Some(token) = &keys.session_token {
        record_sent_secret(token.expose());
        let mut value = HeaderValue::from_str(token.expose()).ok()?;
        value.set_sensitive(true);
        added.insert(HeaderName::from_static("x-amz-security-token"), value);
    }
    let (canonical, signed_headers) = canonical_request(request, &added)?;
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let digest = sha256_digest(canonical.as_bytes());
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", digest.hex());
    let secret = format!("AWS4{}", keys.secret_access_key.expose());
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| {
            hmac_sha256(&key, part.as_bytes())
        });
    let signature = hex(&hmac_sha256(&key, text.as_bytes()));
    let value = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed_headers}, Signature={signature}",
        keys.access_key_id
    );
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    added.insert(AUTHORIZATION, value);
    Some(added)
}

/// Returns the canonical request and the names of its headers.
fn canonical_request(request: &SignedRequest<'_>, added: &HeaderMap) -> Option<(String, String)> {
    let url = request.url;
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let mut headers = vec![("host", host)];
    for (name, value) in request.headers.iter().chain(added) {
        headers.push((name.as_str(), value.to_str().ok()?.trim()));
    }
    headers.sort_unstable();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!(
        "{}\n{}\n\n{lines}\n{names}\n{}",
        request.method,
        url.path(),
        sha256_digest(request.payload).hex()
    );
    Some((canonical, names))
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, data).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of the form.
    const HASH: &str = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    const TOKEN: &str = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";

    /// A case of AWS's "Signature Version 4 test suite".
    struct Case {
        name: &'static str,
        method: Method,
        headers: &'static [(&'static str, &'static str)],
        payload: &'static str,
        token: Option<&'static str>,
        signature: &'static str,
    }

    fn vanilla(name: &'static str, signature: &'static str) -> Case {
        Case {
            name,
            method: Method::POST,
            headers: &[],
            payload: "",
            token: None,
            signature,
        }
    }

    /// The cases that have no query and the path `/`.
    fn cases() -> [Case; 4] {
        let plain = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let sorted = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c";
        let form = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
        let session = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
        [
            vanilla("post-vanilla", plain),
            Case {
                headers: &[("my-header1", "value1")],
                ..vanilla("post-header-key-sort", sorted)
            },
            Case {
                headers: &[
                    ("content-length", "13"),
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("x-amz-content-sha256", HASH),
                ],
                payload: "Param1=value1",
                ..vanilla("post-x-www-form-urlencoded", form)
            },
            Case {
                method: Method::GET,
                token: Some(TOKEN),
                ..vanilla("get-vanilla-with-session-token", session)
            },
        ]
    }

    #[test]
    fn signatures_are_those_of_the_test_suite_of_aws() {
        let url = "https://example.amazonaws.com/".parse().unwrap();
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        for case in cases() {
            let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned();
            let keys = AwsKeys {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: Secret::from(secret),
                session_token: case.token.map(|token| Secret::from(token.to_owned())),
            };
            let headers = case.headers.iter().map(|(name, value)| {
                let value = HeaderValue::from_static(value);
                (HeaderName::from_static(name), value)
            });
            let request = SignedRequest {
                method: &case.method,
                url: &url,
                headers: &headers.collect(),
                payload: &Bytes::from_static(case.payload.as_bytes()),
            };
            let signed = sign(&request, &keys, "us-east-1", "service", now).unwrap();
            let value = signed[AUTHORIZATION].to_str().unwrap();
            let expected = format!("Signature={}", case.signature);
            assert!(value.ends_with(&expected), "{}: {value}", case.name);
        }
    }
}
