//! The JSON Schemas in `docs/schemas`, one for the document of each command with one.

use std::fs;
use std::path::Path;

use schemars::JsonSchema;

/// Asserts that `docs/schemas/NAME.json` is the schema of a document. With `RENEW_SCHEMA` set, writes
/// the file instead.
#[track_caller]
pub(crate) fn assert_documented<T: JsonSchema>(name: &str) {
    let schema = schemars::schema_for!(T);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let file = directory.join(format!("{name}.json"));
    if std::env::var_os("RENEW_SCHEMA").is_some() {
        fs::create_dir_all(&directory).unwrap();
        fs::write(&file, &text).unwrap();
    }
    let documented = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        documented, text,
        "docs/schemas/{name}.json is out of date; run `RENEW_SCHEMA=1 cargo test -p mirror schema`"
    );
}
