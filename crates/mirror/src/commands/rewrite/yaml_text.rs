//! YAML as text.

/// Returns a string as a YAML scalar in single quotes. Names of images have no line breaks.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
