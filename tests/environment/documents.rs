//! JSON documents that tests read and write.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// Returns the value of `key` in each row of a report.
pub(crate) fn column<'a>(document: &'a Value, key: &str) -> Vec<&'a str> {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().unwrap()).collect()
}

/// Builds an auth file with an entry for each `(host, user, password)`.
pub(crate) fn auth_file(entries: &[(&str, &str, &str)]) -> String {
    let entry = |(host, user, password): &(&str, &str, &str)| {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        ((*host).to_owned(), json!({ "auth": pair }))
    };
    let auths: Map<String, Value> = entries.iter().map(entry).collect();
    json!({ "auths": auths }).to_string()
}
