//! YAML in block style, for objects that persons review.

use serde_json::Value;

/// Returns a value as YAML. Strings are quoted, which YAML reads as JSON does.
pub(super) fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value, 0);
    text
}

fn write_value(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                text.push_str(&format!("{indent}{key}:"));
                write_nested(text, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut nested = String::new();
                write_value(&mut nested, item, depth + 1);
                // The first line of an item follows its dash.
                let first = nested.trim_start_matches(' ');
                text.push_str(&format!("{indent}- {first}"));
            }
        }
        scalar => text.push_str(&format!("{indent}{scalar}\n")),
    }
}

fn write_nested(text: &mut String, value: &Value, depth: usize) {
    let is_block = match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    match is_block {
        true => {
            text.push('\n');
            write_value(text, value, depth);
        }
        false => text.push_str(&format!(" {value}\n")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_and_lists_are_blocks_and_strings_are_quoted() {
        let value = json!({"a": {"b": ["x: y", {"c": 1, "d": "l\nm"}], "e": []}, "f": true});
        let want = "a:\n  b:\n    - \"x: y\"\n    - c: 1\n      d: \"l\\nm\"\n  e: []\nf: true\n";
        assert_eq!(to_yaml(&value), want);
    }
}
