//! One YAML document as JSON, for readers with a type.

use std::fmt::Write;

use crate::yaml::{AliasBudget, Node, parse};

/// Converts the first node of a YAML document to JSON. Every scalar becomes a string: `1.10` stays `1.10`.
///
/// Returns `None` for text that is not YAML, exceeds the bounds on depth and aliases, or is empty.
#[must_use]
pub fn json_from_yaml(document: &str) -> Option<String> {
    let roots = parse(document, &mut AliasBudget::default())?;
    let mut json = String::with_capacity(document.len() * 2);
    write_node(&mut json, roots.first()?);
    Some(json)
}

fn write_node(json: &mut String, node: &Node) {
    match node {
        Node::Null => json.push_str("null"),
        Node::Scalar(text) => write_string(json, text),
        Node::List(items) => {
            json.push('[');
            for (item, at) in items.iter().zip(0usize..) {
                if at > 0 {
                    json.push(',');
                }
                write_node(json, item);
            }
            json.push(']');
        }
        Node::Map(map) => {
            json.push('{');
            for ((key, value), at) in map.0.iter().zip(0usize..) {
                if at > 0 {
                    json.push(',');
                }
                write_string(json, key);
                json.push(':');
                write_node(json, value);
            }
            json.push('}');
        }
    }
}

fn write_string(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    let is_special = |byte: u8| matches!(byte, b'"' | b'\\' | ..b' ');
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at(at);
        json.push_str(plain);
        match special.as_bytes()[0] {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            // Writing to a string cannot fail.
            other => {
                write!(json, "\\u{other:04x}").ok();
            }
        }
        rest = &special[1..];
    }
    json.push_str(rest);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_keep_their_text() {
        let table = [
            (
                "a: 1.10\nb: ~\nc: [x, true]\nd: {}\n",
                Some(r#"{"a":"1.10","b":null,"c":["x","true"],"d":{}}"#),
            ),
            (
                "a: &x {k: 1}\nb: *x\n",
                Some(r#"{"a":{"k":"1"},"b":{"k":"1"}}"#),
            ),
            (
                "\"a\\\"\\\\\\t\": |\n  1\n  2\n",
                Some(r#"{"a\"\\\u0009":"1\n2\n"}"#),
            ),
            ("", None),
            ("a: [", None),
        ];
        for (yaml, json) in table {
            assert_eq!(json_from_yaml(yaml).as_deref(), json, "{yaml}");
        }
    }
}
