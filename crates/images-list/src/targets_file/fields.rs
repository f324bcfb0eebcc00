//! The fields of a targets file as written.
//!
//! These types are the reference of the file format: the JSON Schema is generated from them, and the
//! parser reads into them.

use std::borrow::Cow;
use std::num::NonZeroU16;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use strict_json::{
    Flag, FromJson, Located, NamedMap, NonEmpty, ObjectReader, Problems, Ranged, Value,
    report_wrong_type, schema_of,
};

use super::target::RepositoryCreation;

/// The registries that rows name as targets, `@NAME/PATH`, and the rules that name new destinations.
#[derive(Debug, JsonSchema)]
#[schemars(
    rename = "mirror's targets.json",
    rename_all = "camelCase",
    deny_unknown_fields
)]
pub(super) struct TargetsFields {
    /// The schema, for editors.
    #[schemars(rename = "$schema")]
    #[expect(dead_code, reason = "read for its type only")]
    pub(super) schema: Option<Located<String>>,
    /// The targets, by name. `@NAME/PATH` in a list is the repository `PREFIX/PATH`.
    #[schemars(required)]
    pub(super) targets: Option<Located<NonEmpty<NamedMap<TargetFields>>>>,
    /// Groups of targets, by name. A list names them as it names targets.
    pub(super) groups: Option<Located<NamedMap<GroupField>>>,
    /// The targets and groups of a new row.
    pub(super) default: Option<Located<NonEmpty<Vec<Located<String>>>>>,
    /// The rules that name the repository of a new row. The first that matches the source applies.
    pub(super) naming: Option<Located<Vec<Located<NamingFields>>>>,
}

/// A registry, or a part of one, and the way in which it is written to.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Target", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TargetFields {
    /// The part of its repositories before the path, `HOST[/PATH]`, such as `docker.io/org`.
    #[schemars(required)]
    pub(super) prefix: Option<Located<String>>,
    /// Maximum concurrent requests to the registry.
    pub(super) jobs: Option<Located<JobsField>>,
    /// Maximum requests per second to the registry, such as 20 or 0.5.
    pub(super) requests_per_second: Option<Located<f64>>,
    /// The platforms that its repositories get, such as `linux/arm64`. Default: those of the run.
    pub(super) platforms: Option<Located<NonEmpty<Vec<Located<String>>>>>,
    /// Copy signatures and other referrers. Default: the choice of the run.
    pub(super) referrers: Option<Located<Flag>>,
    /// The creation of missing repositories. `no`: they must exist. `push`: the registry creates them
    /// at the first push. Otherwise through the API of the registry.
    pub(super) create: Option<Located<CreateField>>,
    /// Set the short description of Docker Hub repositories: `true`, or a text with the placeholders
    /// `{source}`, `{host}`, `{org}`, `{name}` and `{path}` for parts of the source.
    pub(super) description: Option<Located<DescriptionField>>,
}

/// A rule that names the repository of a new row.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Naming", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NamingFields {
    /// The sources: a pattern in which `*` matches any text, `?` one character, `{a,b}` either part.
    #[schemars(required, rename = "match")]
    pub(super) sources: Option<Located<String>>,
    /// The name, with the placeholders `{host}`, `{org}`, `{name}`, `{path}` and `{source}`.
    #[schemars(required)]
    pub(super) name: Option<Located<String>>,
}

/// The targets of a group.
#[derive(Debug, JsonSchema)]
#[schemars(transparent)]
pub(super) struct GroupField(pub(super) NonEmpty<Vec<Located<String>>>);

/// The value of `jobs`.
#[derive(Debug)]
pub(super) struct JobsField(pub(super) NonZeroU16);

/// Maximum value of `jobs`.
const MAX_JOBS: u16 = 1024;

/// The value of `create`.
#[derive(Debug)]
pub(super) struct CreateField(pub(super) RepositoryCreation);

/// The value of `description`.
#[derive(Debug)]
pub(super) enum DescriptionField {
    Default(bool),
    Template(String),
}

/// Returns the JSON Schema (draft 2020-12) of a targets file, the content of `targets.schema.json`. It
/// covers names and types; [`Targets::parse`](crate::Targets::parse) also checks the values.
#[must_use]
pub fn targets_schema() -> Json {
    schema_of::<TargetsFields>()
}

impl TargetsFields {
    pub(super) fn read(mut fields: ObjectReader<'_>, problems: &mut Problems<'_>) -> Self {
        let read = Self {
            schema: fields.take("$schema", problems),
            targets: fields.require("targets", problems),
            groups: fields.take("groups", problems),
            default: fields.take("default", problems),
            naming: fields.take("naming", problems),
        };
        fields.finish(|key| is_of_target(key).then_some("at a target"), problems);
        read
    }
}

fn is_of_target(key: &str) -> bool {
    let schema = TargetFields::json_schema(&mut SchemaGenerator::default());
    let keys = schema.get("properties").and_then(Json::as_object);
    keys.is_some_and(|keys| keys.contains_key(key))
}

impl FromJson for TargetFields {
    const NOUN: Option<&'static str> = Some("target");

    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let target = Self {
            prefix: fields.require("prefix", problems),
            jobs: fields.take("jobs", problems),
            requests_per_second: fields.take("requestsPerSecond", problems),
            platforms: fields.take("platforms", problems),
            referrers: fields.take("referrers", problems),
            create: fields.take("create", problems),
            description: fields.take("description", problems),
        };
        fields.finish(|_| None, problems);
        Some(target)
    }
}

impl FromJson for GroupField {
    const NOUN: Option<&'static str> = Some("group");

    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        FromJson::from_json(value, key, problems).map(Self)
    }
}

impl FromJson for NamingFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let rule = Self {
            sources: fields.require("match", problems),
            name: fields.require("name", problems),
        };
        fields.finish(|_| None, problems);
        Some(rule)
    }
}

impl FromJson for JobsField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) if number <= NonZeroU16::new(MAX_JOBS)? => Some(Self(number)),
            _ => {
                let expected = format!("a whole number from 1 to {MAX_JOBS}");
                report_wrong_type(value, key, &expected, problems)
            }
        }
    }
}

impl FromJson for CreateField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let text = value.as_string_lit().map(|text| text.value.as_ref());
        let mut all = RepositoryCreation::ALL.into_iter();
        if let Some(found) = all.find(|creation| Some(creation.as_str()) == text) {
            return Some(Self(found));
        }
        let words = RepositoryCreation::ALL.map(|creation| format!("\"{}\"", creation.as_str()));
        let expected = format!("one of {}", words.join(", "));
        report_wrong_type(value, key, &expected, problems)
    }
}

impl FromJson for DescriptionField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::BooleanLit(flag) => Some(Self::Default(flag.value)),
            Value::StringLit(text) if !text.value.trim().is_empty() => {
                Some(Self::Template(text.value.clone().into_owned()))
            }
            Value::StringLit(text) => {
                problems.add(text.start(), format!("`{key}` is empty"));
                None
            }
            other => report_wrong_type(other, key, "true, false or a text", problems),
        }
    }
}

impl JsonSchema for JobsField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Jobs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": MAX_JOBS})
    }
}

impl JsonSchema for CreateField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Create".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": RepositoryCreation::ALL.map(RepositoryCreation::as_str)})
    }
}

impl JsonSchema for DescriptionField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Description".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["boolean", "string"], "minLength": 1})
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
    fn schema_file_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../targets.schema.json");
        let generated = format!("{:#}\n", targets_schema());
        if env::var_os("RENEW_SCHEMA").is_some() {
            fs::write(&file, &generated).unwrap();
        }
        let file_text = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            file_text == generated,
            "targets.schema.json is out of date; \
             renew it: RENEW_SCHEMA=1 cargo test -p images-list --lib schema"
        );
    }
}
