//! Strict JSON with positions.

use std::collections::HashMap;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::de::IgnoredAny;

use crate::problems::Problems;

/// Strict JSON: other tools read the file too.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The words for a file in its problems.
#[derive(Debug, Clone, Copy)]
pub struct Document {
    /// The form of the file, such as `{"NAME": {…}}`.
    pub form: &'static str,
    /// The noun for a key of the root object, such as `entry`.
    pub item: &'static str,
}

/// Parses a text into its root object. Reports invalid JSON and duplicate keys.
pub fn parse_root<'text>(
    text: &'text str,
    document: Document,
    problems: &mut Problems<'text>,
) -> Option<Object<'text>> {
    let value = match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            problems.add(
                error.range().start,
                format!("not valid JSON: {}", error.kind()),
            );
            return None;
        }
    };
    // The first parser accepts some invalid JSON whatever its options, such as a missing comma before a
    // bracket.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        if text.trim().is_empty() {
            problems.add(0, "not valid JSON: the text is empty".to_owned());
            return None;
        }
        let message = error.to_string();
        let (cause, _) = message.rsplit_once(" at line ").unwrap_or((&message, ""));
        problems.add(offset(text, &error), format!("not valid JSON: {cause}"));
        return None;
    }
    let object = match value {
        Some(Value::Object(object)) => object,
        other => {
            let at = other.map_or(0, |value| value.start());
            problems.add(at, format!("the file is an object, `{}`", document.form));
            return None;
        }
    };
    report_duplicates(&object, document.item, problems);
    Some(object)
}

/// Returns the offset at which `serde_json` stopped.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    text.floor_char_boundary(at)
}

fn report_duplicates(object: &Object<'_>, item: &str, problems: &mut Problems<'_>) {
    let mut first: HashMap<&str, usize> = HashMap::new();
    for property in &object.properties {
        let (key, at) = (property.name.as_str(), property.range.start);
        match first.get(key) {
            None => {
                first.insert(key, at);
            }
            Some(earlier) => {
                let (line, column) = problems.position(*earlier);
                let message =
                    format!("duplicate {item} `{key}`: already on line {line}, column {column}");
                problems.add(at, message);
            }
        }
        let within = match item {
            "key" => format!("`{key}`"),
            item => format!("{item} `{key}`"),
        };
        problems.within(within, |problems| report_nested(&property.value, problems));
    }
}

fn report_nested(value: &Value<'_>, problems: &mut Problems<'_>) {
    match value {
        Value::Object(object) => report_duplicates(object, "key", problems),
        Value::Array(array) => {
            for element in &array.elements {
                report_nested(element, problems);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENTRIES: Document = Document {
        form: "{\"NAME\": {…}}",
        item: "entry",
    };

    fn found(text: &str) -> Vec<String> {
        let mut problems = Problems::new(text, str::to_owned);
        parse_root(text, ENTRIES, &mut problems);
        let found = problems.finish().err().unwrap_or_default();
        let line = |problem: &crate::JsonProblem| {
            format!("{}:{}: {problem}", problem.line, problem.column)
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn invalid_json_is_reported_with_its_position() {
        for (text, problem) in [
            (
                "{\n  \"a\": {},\n}",
                "2:10: not valid JSON: Trailing commas are not allowed",
            ),
            (
                "{\n  // so\n}",
                "2:3: not valid JSON: Comments are not allowed",
            ),
            (
                "{\"a\": {}\n \"b\": {}}",
                "1:9: not valid JSON: Expected comma",
            ),
            ("{\"a\": [{} {}]}", "1:10: not valid JSON: Expected comma"),
            ("{\"a\": {}", "1:1: not valid JSON: Unterminated object"),
            (
                "{} {}",
                "1:4: not valid JSON: Text cannot contain more than one JSON value",
            ),
            (
                "{\"a\": {\"x\": \"\n\"}}",
                "1:13: not valid JSON: control character",
            ),
            ("", "1:1: not valid JSON: the text is empty"),
            ("[]", "1:1: the file is an object, `{\"NAME\": {…}}`"),
        ] {
            let found = found(text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(problem), "{found:?}, not {problem}");
        }
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        assert_eq!(
            found(
                "{\"a\": {},\n \"a\": {\"x\": 1, \"x\": 2},\n \"b\": {\"y\": [{\"z\": 1, \"z\": 1}]}}"
            ),
            [
                "2:2: duplicate entry `a`: already on line 1, column 2",
                "2:16: entry `a`: duplicate key `x`: already on line 2, column 8",
                "3:23: entry `b`, `y`: duplicate key `z`: already on line 3, column 15",
            ]
        );
    }

    proptest! {
        #[test]
        fn accepted_text_is_json(text in "[\\[\\]{}:,\"a1 \n]{0,12}") {
            let mut problems = Problems::new(&text, str::to_owned);
            let passed = parse_root(&text, ENTRIES, &mut problems).is_some();
            let json = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            prop_assert_eq!(passed, json.is_ok());
            prop_assert!(passed || problems.finish().is_err());
        }
    }
}
