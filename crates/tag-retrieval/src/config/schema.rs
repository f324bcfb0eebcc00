//! The JSON Schema of the configuration, for editors.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::written::EntryWritten;

/// Where new versions of images are announced, and which of them count. The keys are free names.
#[derive(JsonSchema)]
#[schemars(rename = "mirror's config.json")]
#[expect(
    dead_code,
    reason = "it is there for its schema: entries are read one by one"
)]
struct ConfigWritten {
    /// The schema, for editors.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    #[schemars(flatten)]
    entries: BTreeMap<String, EntryWritten>,
}

/// The JSON Schema (draft 2020-12) of the configuration, as the repository keeps it in
/// `config.schema.json`. It holds shapes, names and types; what [`Config::parse`](super::Config::parse)
/// says of a source and its filters goes further.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    settings
        .into_generator()
        .into_root_schema_for::<ConfigWritten>()
        .to_value()
}

/// An optional key may be absent, but `null` is no value.
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
    use crate::config::Config;
    use crate::config::kind::Kind;
    use crate::config::written::Level;
    use std::path::Path;
    use std::{env, fs};

    #[test]
    fn the_repository_keeps_the_schema() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config.schema.json");
        let generated = format!("{:#}\n", schema());
        if env::var_os("RENEW_SCHEMA").is_some() {
            fs::write(&file, &generated).unwrap();
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == generated,
            "config.schema.json is not what the types say; \
             renew it: RENEW_SCHEMA=1 cargo test -p tag-retrieval --lib schema"
        );
    }

    #[test]
    fn null_is_no_value() {
        assert!(!schema().to_string().contains("null"), "{:#}", schema());
    }

    #[test]
    fn keys_of_the_schema_are_those_that_are_read() {
        let object = |level: Level, value: &str| {
            let keys = level.keys();
            assert!(keys.len() > 1, "{keys:?}");
            let keys = keys.into_iter().map(|key| format!("\"{key}\": {value}"));
            format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
        };
        let within = |key: &str, inner: String| {
            format!("{{\"versionSource\": \"registry\", \"{key}\": {inner}}}")
        };
        let chart = |inner: String| within("helmCharts", format!("{{\"c\": {inner}}}"));
        for (entry, keys) in [
            (object(Level::Entry, "5.5"), Level::Entry.keys()),
            (
                within("images", format!("[{}]", object(Level::Image, "5.5"))),
                Level::Image.keys(),
            ),
            (chart(object(Level::Chart, "5.5")), Level::Chart.keys()),
            (
                chart(format!(
                    "{{\"chartConfig\": {{\"d\": {}}}}}",
                    object(Level::ChartConfig, "5.5")
                )),
                Level::ChartConfig.keys(),
            ),
        ] {
            let problems = Config::parse(&format!("{{\"x\": {entry}}}")).unwrap_err();
            for key in keys {
                let read = format!("`{key}` takes ");
                let mut messages = problems.iter().map(|problem| &problem.message);
                assert!(
                    messages.any(|message| message.contains(&read)),
                    "{key}: {problems:#?}"
                );
            }
        }
    }

    #[test]
    fn every_version_source_matches_the_pattern() {
        let schema = schema();
        let pattern = schema.pointer("/$defs/Entry/properties/versionSource/pattern");
        let pattern = regex::Regex::new(pattern.unwrap().as_str().unwrap()).unwrap();
        for kind in Kind::ALL {
            let source = match kind.argument() {
                Some(argument) => format!("{}:{argument}", kind.name()),
                None => kind.name().to_owned(),
            };
            assert!(pattern.is_match(&source), "{source}");
        }
        assert!(!pattern.is_match("github-releases"));
        assert!(!pattern.is_match("registry:quay.io"));
    }
}
