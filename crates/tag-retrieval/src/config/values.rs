//! The values of the configuration: their shapes, and how each is read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::problem::Problems;

/// What can be read from a value.
pub(super) trait Read: Sized {
    /// Reads it, or reports what is wrong with the value of `key`.
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A value with the offset at which it stands.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub at: usize,
}

/// A boolean, or its name as a string, which many files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    On,
    Off,
}

/// An object with free keys, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Named<T>(pub Vec<(At<String>, T)>);

/// A list or an object with something in it.
#[derive(Debug, Clone)]
pub(super) struct Filled<T>(pub T);

/// A version as a string: the number 1.30 would be 1.3.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(transparent)]
pub(super) struct VersionString(pub String);

impl<T: Read> Read for At<T> {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let at = value.start();
        T::read(value, key, problems).map(|value| Self { value, at })
    }
}

impl Read for String {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value.trim().is_empty() => {
                problems.add(text.start(), format!("`{key}` is empty"));
                None
            }
            Value::StringLit(text) => Some(text.value.clone().into_owned()),
            other => wrong(other, key, "a string", problems),
        }
    }
}

impl Read for VersionString {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::NumberLit(number) = value {
            let number = number.value;
            let message = format!(
                "`{key}` takes a string, not a number: write \"{number}\" (as a number 1.30 is 1.3)"
            );
            problems.add(value.start(), message);
            return None;
        }
        String::read(value, key, problems).map(Self)
    }
}

impl Read for Flag {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::BooleanLit(flag) if flag.value => Some(Self::On),
            Value::BooleanLit(_) => Some(Self::Off),
            Value::StringLit(text) if text.value == "true" => Some(Self::On),
            Value::StringLit(text) if text.value == "false" => Some(Self::Off),
            other => wrong(other, key, "true or false", problems),
        }
    }
}

impl Read for u16 {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) => Some(number),
            _ => wrong(value, key, "a whole number from 0 to 65535", problems),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Array(array) = value else {
            return wrong(value, key, "a list", problems);
        };
        let elements = array.elements.iter();
        Some(
            elements
                .filter_map(|element| T::read(element, key, problems))
                .collect(),
        )
    }
}

impl<T: Read> Read for Named<T> {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Object(object) = value else {
            return wrong(value, key, "an object", problems);
        };
        let mut named = Vec::new();
        for property in &object.properties {
            let name = At {
                value: property.name.as_str().to_owned(),
                at: property.range.start,
            };
            let within = match key {
                "helmCharts" => format!("chart `{}`", name.value),
                _ => format!("{key} `{}`", name.value),
            };
            let read = problems.within(within, |problems| {
                T::read(&property.value, &name.value, problems)
            });
            named.extend(read.map(|read| (name, read)));
        }
        Some(Self(named))
    }
}

impl<T: Read> Read for Filled<T> {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let empty = match value {
            Value::Array(array) => array.elements.is_empty(),
            Value::Object(object) => object.properties.is_empty(),
            _ => false,
        };
        if empty {
            let message = format!("`{key}` is empty: it names at least one");
            problems.add(value.start(), message);
            return None;
        }
        T::read(value, key, problems).map(Self)
    }
}

/// Reports a value of another type.
pub(super) fn wrong<T>(
    value: &Value<'_>,
    key: &str,
    takes: &str,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let found = match value {
        Value::StringLit(text) => format!("the string \"{}\"", text.value.escape_debug()),
        Value::NumberLit(number) => format!("the number {}", number.value),
        Value::BooleanLit(flag) => flag.value.to_string(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::NullKeyword(_) => "null".to_owned(),
    };
    problems.add(value.start(), format!("`{key}` takes {takes}, not {found}"));
    None
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        BTreeMap::<String, T>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, T>::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Filled<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Filled_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        let is_list = schema.get("type").is_some_and(|kind| kind == "array");
        let minimum = if is_list { "minItems" } else { "minProperties" };
        schema.insert(minimum.to_owned(), 1.into());
        schema
    }
}

impl JsonSchema for Flag {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Flag".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"enum": [true, false, "true", "false"]})
    }
}
