//! The JSON Schema of the configuration, for editors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;
use strict_json::schema_of;

use crate::entry::{EntryFields, SourceKind};
use crate::sources::Source;

/// The version sources of images and the filters for their versions. The keys are names of your choice.
#[derive(JsonSchema)]
#[schemars(rename = "mirror's config.json")]
#[expect(
    dead_code,
    reason = "used for its schema only: entries are read one by one"
)]
struct ConfigFields {
    /// The schema, for editors.
    #[schemars(rename = "$schema")]
    schema: Option<String>,
    #[schemars(flatten)]
    entries: BTreeMap<String, EntryFields>,
}

/// Returns the JSON Schema (draft 2020-12) of the configuration, the content of `config.schema.json`.
/// It covers names and types; [`Config::parse`](super::Config::parse) also checks which keys a source
/// accepts, and the syntax of filters.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schema_of::<ConfigFields>();
    if let Some(version_source) = schema.pointer_mut("/$defs/Entry/properties/versionSource") {
        describe_version_sources(version_source);
    }
    schema
}

/// Adds the registered kinds of version sources to the schema of `versionSource`.
fn describe_version_sources(schema: &mut Value) {
    let usages: Vec<_> = Source::ALL
        .iter()
        .map(|source| format!("`{}`", source.kind.usage()))
        .collect();
    let description = schema["description"].as_str().unwrap_or_default();
    schema["description"] = format!("{description}\n\nOne of {}.", usages.join(", ")).into();
    let (with_argument, alone): (Vec<_>, Vec<_>) = Source::ALL
        .iter()
        .map(|source| source.kind)
        .partition(|kind| kind.argument.is_some());
    let names = |kinds: Vec<SourceKind>| {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
        names.join("|")
    };
    schema["pattern"] = format!("^(({}):.+|{})$", names(with_argument), names(alone)).into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::entry::Level;
    use std::path::Path;
    use std::{env, fs};

    #[test]
    fn schema_file_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config.schema.json");
        let generated = format!("{:#}\n", schema());
        if env::var_os("RENEW_SCHEMA").is_some() {
            fs::write(&file, &generated).unwrap();
        }
        let file_text = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            file_text == generated,
            "config.schema.json is out of date; \
             renew it: RENEW_SCHEMA=1 cargo test -p tag-retrieval --lib schema"
        );
    }

    #[test]
    fn schema_has_no_null() {
        assert!(!schema().to_string().contains("null"), "{:#}", schema());
    }

    #[test]
    fn parser_reads_every_key_of_the_schema() {
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
                let expected = format!("`{key}` takes ");
                let mut messages = problems.iter().map(|problem| &problem.message);
                assert!(
                    messages.any(|message| message.contains(&expected)),
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
        for source in Source::ALL {
            let usage = source.kind.usage();
            assert!(pattern.is_match(&usage), "{usage}");
        }
        assert!(!pattern.is_match("github-releases"));
        assert!(!pattern.is_match("registry:quay.io"));
    }
}
