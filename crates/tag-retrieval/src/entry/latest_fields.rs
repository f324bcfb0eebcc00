//! The values of `latest` and `latestBy`.

use std::borrow::Cow;
use std::num::NonZeroU16;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use strict_json::{FromJson, Problems, Value, report_wrong_type};

/// The value of `latest`: the number of versions, `true` for one; `None` if it is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LatestField(pub(crate) Option<NonZeroU16>);

/// The value of `latestBy`: the order in which `latest` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LatestByField {
    Version,
    Pushed,
}

impl FromJson for LatestField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let count = match value {
            Value::BooleanLit(flag) => Some(u16::from(flag.value)),
            Value::StringLit(text) if text.value == "true" => Some(1),
            Value::StringLit(text) if text.value == "false" => Some(0),
            Value::NumberLit(number) => number.value.parse().ok().filter(|count| *count > 0),
            _ => None,
        };
        match count {
            Some(count) => Some(Self(NonZeroU16::new(count))),
            None => {
                let expected = "true, false or a whole number from 1 to 65535";
                report_wrong_type(value, key, expected, problems)
            }
        }
    }
}

impl FromJson for LatestByField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value == "version" => Some(Self::Version),
            Value::StringLit(text) if text.value == "pushed" => Some(Self::Pushed),
            other => report_wrong_type(other, key, "\"version\" or \"pushed\"", problems),
        }
    }
}

impl JsonSchema for LatestField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Latest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                {"enum": [true, false, "true", "false"]},
                {"type": "integer", "minimum": 1, "maximum": 65535},
            ]
        })
    }
}

impl JsonSchema for LatestByField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LatestBy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"enum": ["version", "pushed"]})
    }
}
