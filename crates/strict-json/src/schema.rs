//! JSON Schemas of files, for editors.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Returns the JSON Schema (draft 2020-12) of a file whose root has the type `T`.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Removes `null`: an optional key may be absent, but not null.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "used for its schema only")]
    struct Fields {
        optional: Option<String>,
        nested: Option<Vec<Option<u16>>>,
    }

    #[test]
    fn optional_keys_are_not_null() {
        let schema = schema_of::<Fields>();
        assert!(!schema.to_string().contains("null"), "{schema:#}");
        assert_eq!(schema["properties"]["optional"]["type"], "string");
    }
}
