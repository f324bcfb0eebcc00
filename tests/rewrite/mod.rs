//! `mirror rewrite`: each format, read by the programs that consume it or by a strict copy of its schema.

mod kubernetes;
mod nodes;
mod unmapped;

use serde_json::Value;

use crate::environment::TestEnvironment;

/// Rows with one mirror each, under names of their own.
pub(crate) fn environment(rows: &[&str]) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", rows.join("\n") + "\n");
    environment
}

/// Returns the lines `SOURCE -> DESTINATION: REASON` of the JSON document.
pub(crate) fn unmapped(document: &Value) -> Vec<String> {
    let unmapped = document["unmapped"].as_array().unwrap().iter();
    let lines = unmapped.map(|found| {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        format!(
            "{} -> {}: {}",
            text("source"),
            text("destination"),
            text("message")
        )
    });
    lines.collect()
}

/// Returns the text of the first file of the JSON document.
pub(crate) fn text(document: &Value) -> &str {
    document["files"][0]["text"].as_str().unwrap()
}
