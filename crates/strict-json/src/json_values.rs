//! The types of JSON values, and how they are read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::NonZeroU16;
use std::str::FromStr;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::problems::Problems;

/// A type that can be read from a JSON value.
pub trait FromJson: Sized {
    /// The noun for a value with a name of its own in a [`NamedMap`], such as `chart`; by default the key
    /// of the map.
    const NOUN: Option<&'static str> = None;

    /// Reads the value of `key`, or reports why it is invalid.
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self>;
}

/// A value with its offset in the text.
#[derive(Debug, Clone)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The offset in bytes.
    pub offset: usize,
}

impl Located<String> {
    /// Parses the text of `key`, or reports why it is invalid.
    pub fn parse<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let parsed = self.value.parse();
        parsed
            .map_err(|error: T::Err| problems.add(self.offset, format!("`{key}`: {error}")))
            .ok()
    }
}

/// A boolean. Many files write it as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `true` or `"true"`.
    On,
    /// `false` or `"false"`.
    Off,
}

/// An object with arbitrary keys, in file order.
#[derive(Debug, Clone)]
pub struct NamedMap<T>(
    /// The keys with their values.
    pub Vec<(Located<String>, T)>,
);

/// A list or an object with at least one item.
#[derive(Debug, Clone)]
pub struct NonEmpty<T>(
    /// The list or object.
    pub T,
);

/// A version as a string: the number 1.30 would be 1.3.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(transparent)]
pub struct VersionString(
    /// The text.
    pub String,
);

impl<T: FromJson> FromJson for Located<T> {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let offset = value.start();
        T::from_json(value, key, problems).map(|value| Self { value, offset })
    }
}

impl FromJson for String {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::StringLit(text) if text.value.trim().is_empty() => {
                problems.add(text.start(), format!("`{key}` is empty"));
                None
            }
            Value::StringLit(text) => Some(text.value.clone().into_owned()),
            other => report_wrong_type(other, key, "a string", problems),
        }
    }
}

impl FromJson for VersionString {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::NumberLit(number) = value {
            let number = number.value;
            let message = format!(
                "`{key}` takes a string, not a number: write \"{number}\" (as a number 1.30 is 1.3)"
            );
            problems.add(value.start(), message);
            return None;
        }
        String::from_json(value, key, problems).map(Self)
    }
}

impl FromJson for Flag {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::BooleanLit(flag) if flag.value => Some(Self::On),
            Value::BooleanLit(_) => Some(Self::Off),
            Value::StringLit(text) if text.value == "true" => Some(Self::On),
            Value::StringLit(text) if text.value == "false" => Some(Self::Off),
            other => report_wrong_type(other, key, "true or false", problems),
        }
    }
}

impl FromJson for u16 {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) => Some(number),
            _ => report_wrong_type(value, key, "a whole number from 0 to 65535", problems),
        }
    }
}

impl FromJson for NonZeroU16 {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) => Some(number),
            _ => report_wrong_type(value, key, "a whole number from 1 to 65535", problems),
        }
    }
}

impl FromJson for f64 {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) => Some(number),
            _ => report_wrong_type(value, key, "a number", problems),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Array(array) = value else {
            return report_wrong_type(value, key, "a list", problems);
        };
        let elements = array.elements.iter();
        Some(
            elements
                .filter_map(|element| T::from_json(element, key, problems))
                .collect(),
        )
    }
}

impl<T: FromJson> FromJson for NamedMap<T> {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Object(object) = value else {
            return report_wrong_type(value, key, "an object", problems);
        };
        let mut named = Vec::new();
        for property in &object.properties {
            let name = Located {
                value: property.name.as_str().to_owned(),
                offset: property.range.start,
            };
            let within = format!("{} `{}`", T::NOUN.unwrap_or(key), name.value);
            let read = problems.within(within, |problems| {
                T::from_json(&property.value, &name.value, problems)
            });
            named.extend(read.map(|read| (name, read)));
        }
        Some(Self(named))
    }
}

impl<T: FromJson> FromJson for NonEmpty<T> {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let empty = match value {
            Value::Array(array) => array.elements.is_empty(),
            Value::Object(object) => object.properties.is_empty(),
            _ => false,
        };
        if empty {
            let message = format!("`{key}` is empty: it needs at least one item");
            problems.add(value.start(), message);
            return None;
        }
        T::from_json(value, key, problems).map(Self)
    }
}

/// Reports a value of the wrong type. Returns `None`.
pub fn report_wrong_type<T>(
    value: &Value<'_>,
    key: &str,
    expected: &str,
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
    problems.add(
        value.start(),
        format!("`{key}` takes {expected}, not {found}"),
    );
    None
}

impl<T: JsonSchema> JsonSchema for Located<T> {
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

impl<T: JsonSchema> JsonSchema for NamedMap<T> {
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

impl<T: JsonSchema> JsonSchema for NonEmpty<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("NonEmpty_{}", T::schema_name()).into()
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
