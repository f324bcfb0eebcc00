//! The check of Signature Version 4, written from AWS's description and not from the code under test.

use std::collections::HashMap;
use std::fmt::Write;

use ring::{digest, hmac};

use super::api_response::ApiCall;

/// Returns true if a request is signed with these keys, for ECR in the region of its credential scope.
pub(super) fn is_signed(call: &ApiCall<'_>, access_key: &str, secret_key: &str) -> bool {
    let authorization = call.header("authorization");
    let Some(fields) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return false;
    };
    let fields: HashMap<&str, &str> = fields
        .split(", ")
        .filter_map(|field| field.split_once('='))
        .collect();
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let credential: Vec<&str> = field("Credential").split('/').collect();
    let [key_id, date, region, "ecr", "aws4_request"] = credential[..] else {
        return false;
    };
    let time = call.header("x-amz-date");
    let signed: Vec<&str> = field("SignedHeaders").split(';').collect();
    let required = ["content-type", "host", "x-amz-date", "x-amz-target"];
    if key_id != access_key
        || !time.starts_with(date)
        || !required.iter().all(|name| signed.contains(name))
    {
        return false;
    }
    let mut canonical = format!("{}\n{}\n\n", call.parts.method, call.parts.uri.path());
    for name in &signed {
        let _ = writeln!(canonical, "{name}:{}", call.header(name));
    }
    let _ = write!(
        canonical,
        "\n{}\n{}",
        field("SignedHeaders"),
        sha256(call.body)
    );
    let scope = format!("{date}/{region}/ecr/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let mut key = format!("AWS4{secret_key}").into_bytes();
    for part in scope.split('/') {
        key = mac(&key, part);
    }
    hex(&mac(&key, &text)) == field("Signature")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
