//! The file of a plan: written by `mirror prune --plan`, read by `--apply`.

use std::collections::HashSet;

use image_name::{Digest, Host, RepositoryName, RepositoryPath, Tag};
use schemars::JsonSchema;
use serde::Serialize;
use strict_json::{
    Document, FromJson, JsonProblem, Located, ObjectReader, Problems, Value, parse_root,
    report_wrong_type,
};

/// The version of the format.
pub const PLAN_VERSION: u16 = 1;

/// The words for the file in its problems.
const DOCUMENT: Document = Document {
    form: "{\"version\": 1, \"deletions\": […]}",
    item: "key",
};

/// A plan. Lines may be removed by hand before it is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanFile {
    /// The version of the format: 1.
    pub version: u16,
    /// The program that made the plan, with its version.
    pub tool: String,
    /// The time of the plan, RFC 3339 in UTC.
    pub created: String,
    /// The deletions, in their order for each repository.
    pub deletions: Vec<PlanLine>,
}

/// One deletion of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlanLine {
    /// The host of the registry, as in the list.
    pub registry: String,
    /// The path of the repository.
    pub repository: String,
    /// The tag; `null` for a manifest that is deleted by its digest.
    #[schemars(with = "Option<String>")]
    pub tag: Option<Tag>,
    /// The digest of the tag, or of the manifest.
    #[schemars(with = "String")]
    pub digest: Digest,
    /// The digest of the image that the manifest belongs to.
    #[schemars(with = "String")]
    pub image: Digest,
    /// The way of the deletion: `tag` or `digest` of the distribution specification, or the API of a vendor.
    pub method: String,
    /// The reason.
    pub reason: String,
    /// The bytes of the manifest and of blobs that nothing else needs.
    pub bytes: u64,
}

impl PlanLine {
    /// Returns the repository with its host.
    #[must_use]
    pub fn name(&self) -> Option<RepositoryName> {
        format!("{}/{}", self.registry, self.repository)
            .parse()
            .ok()
    }
}

impl PlanFile {
    /// Parses a plan.
    ///
    /// # Errors
    ///
    /// All problems of the file, in file order.
    pub fn parse(text: &str) -> Result<Self, Vec<JsonProblem>> {
        let mut problems = Problems::new(text, str::to_owned);
        let mut plan = Self::default();
        if let Some(root) = parse_root(text, DOCUMENT, &mut problems) {
            let root = Value::Object(root);
            if let Some(fields) = ObjectReader::new(&root, "plan", &mut problems) {
                plan.read(fields, &mut problems);
            }
        }
        problems.finish().map(|()| plan)
    }

    fn read(&mut self, mut fields: ObjectReader<'_>, problems: &mut Problems<'_>) {
        let version = fields.require::<u16>("version", problems);
        if let Some(version) = version.filter(|version| version.value != PLAN_VERSION) {
            let found = version.value;
            let message = format!(
                "version {found} is not known: this version of mirror reads {PLAN_VERSION}"
            );
            problems.add(version.offset, message);
        }
        self.version = PLAN_VERSION;
        let text = |field: Option<Located<String>>| field.map(|field| field.value);
        self.tool = text(fields.take("tool", problems)).unwrap_or_default();
        self.created = text(fields.take("created", problems)).unwrap_or_default();
        let lines = fields.require::<Vec<Located<PlanLine>>>("deletions", problems);
        let mut seen = HashSet::new();
        for line in lines.into_iter().flat_map(|lines| lines.value) {
            let Located { value, offset } = line;
            let key = (
                value.registry.clone(),
                value.repository.clone(),
                value.tag.clone(),
                value.tag.is_none().then(|| value.digest.clone()),
            );
            if !seen.insert(key) {
                problems.add(offset, "the same deletion is above: remove one of them");
            }
            self.deletions.push(value);
        }
        fields.finish(|_| None, problems);
    }
}

impl FromJson for PlanLine {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let registry = parsed::<Host>(fields.require("registry", problems), problems);
        let repository = parsed::<RepositoryPath>(fields.require("repository", problems), problems);
        let tag = fields.require::<NullOr<String>>("tag", problems);
        let tag = tag.map(|tag| match tag.value {
            NullOr::Null => Some(None),
            NullOr::Value(text) => {
                let offset = tag.offset;
                let value = Some(Located {
                    value: text,
                    offset,
                });
                parsed::<Tag>(value, problems).map(Some)
            }
        });
        let digest = parsed::<Digest>(fields.require("digest", problems), problems);
        let image = parsed::<Digest>(fields.require("image", problems), problems);
        let method = fields.take::<String>("method", problems);
        let reason = fields.take::<String>("reason", problems);
        let bytes = fields.take::<Bytes>("bytes", problems);
        fields.finish(|_| None, problems);
        Some(Self {
            registry: registry?.as_str().to_owned(),
            repository: repository?.as_str().to_owned(),
            tag: tag??,
            digest: digest?,
            image: image?,
            method: method.map(|method| method.value).unwrap_or_default(),
            reason: reason.map(|reason| reason.value).unwrap_or_default(),
            bytes: bytes.map_or(0, |bytes| bytes.value.0),
        })
    }
}

/// A value that may be `null`.
enum NullOr<T> {
    Null,
    Value(T),
}

impl<T: FromJson> FromJson for NullOr<T> {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        match value {
            Value::NullKeyword(_) => Some(Self::Null),
            other => T::from_json(other, key, problems).map(Self::Value),
        }
    }
}

struct Bytes(u64);

impl FromJson for Bytes {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let number = value.as_number_lit().map(|number| number.value.parse());
        match number {
            Some(Ok(number)) => Some(Self(number)),
            _ => report_wrong_type(value, key, "a whole number", problems),
        }
    }
}

/// Parses the text of a field. Reports an invalid one.
fn parsed<T: std::str::FromStr>(
    field: Option<Located<String>>,
    problems: &mut Problems<'_>,
) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    let Located { value, offset } = field?;
    match value.parse() {
        Ok(parsed) => Some(parsed),
        Err(error) => {
            problems.add(offset, format!("`{}`: {error}", value.escape_debug()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tag: Option<&str>) -> PlanLine {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        PlanLine {
            registry: "r.io:5000".to_owned(),
            repository: "m/app".to_owned(),
            tag: tag.map(|tag| tag.parse().unwrap()),
            digest: digest.clone(),
            image: digest,
            method: "tag".to_owned(),
            reason: "row removed in commit 1".to_owned(),
            bytes: 1 << 40,
        }
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = PlanFile {
            version: PLAN_VERSION,
            tool: "mirror 1".to_owned(),
            created: "2026-01-01T00:00:00Z".to_owned(),
            deletions: vec![line(Some("v1")), line(None)],
        };
        let text = serde_json::to_string_pretty(&plan).unwrap();
        assert_eq!(PlanFile::parse(&text), Ok(plan));
    }

    #[test]
    fn every_problem_is_reported_with_its_line() {
        let good = serde_json::to_string(&line(Some("v1"))).unwrap();
        let bad = good
            .replace("\"v1\"", "\"../v1\"")
            .replace("m/app", "../app")
            .replace("r.io:5000", "r.io:x")
            .replace("1099511627776", "-1");
        let text = format!(
            "{{\"version\": 2,\n\"deletions\": [\n{good},\n{good},\n{bad}],\n\"extra\": 1}}"
        );
        let problems = PlanFile::parse(&text).unwrap_err();
        let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 4, 5, 5, 5, 5, 6], "{problems:?}");
        for text in [
            "",
            "[]",
            "{}",
            "{\"version\": 1}",
            "{\"version\": 1, \"deletions\": {}}",
        ] {
            assert!(PlanFile::parse(text).is_err(), "{text}");
        }
    }
}
