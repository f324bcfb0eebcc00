//! The configuration as a whole.

use registry_client::redact_urls;
use strict_json::{Document, FromJson, Located, Problems, parse_root};

use super::version_source;
use crate::entry::{ConfigProblem, EntryFields, EntryParts, Follow, Review};
use crate::sources::Source;

/// The words for the file in its problems.
const DOCUMENT: Document = Document {
    form: "{\"NAME\": {…}}",
    item: "entry",
};

/// The key that names the schema to editors. It is not an entry.
const SCHEMA_KEY: &str = "$schema";

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The entries, in file order.
    pub entries: Vec<Entry>,
}

/// One product and its version source.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key of the entry.
    pub name: String,
    /// The line of the key, from 1.
    pub line: usize,
    /// The version source with its settings.
    pub source: Source,
    /// The review of pull requests with its versions.
    pub review: Review,
    /// The settings of an entry that is mirrored without rows; `None` for others.
    pub follow: Option<Follow>,
}

impl Config {
    /// Parses a configuration.
    ///
    /// ```
    /// use tag_retrieval::config::Config;
    ///
    /// let text = r#"{"etcd": {"versionSource": "registry", "images": ["quay.io/coreos/etcd"]}}"#;
    /// assert_eq!(Config::parse(text).unwrap().entries[0].name, "etcd");
    ///
    /// let problems = Config::parse(&text.replace("images", "image")).unwrap_err();
    /// assert_eq!(problems.len(), 2);
    /// assert_eq!(problems[1].to_string(), "entry `etcd`: unknown key `image`; the nearest known key is `images`");
    /// ```
    ///
    /// # Errors
    ///
    /// All problems of the file, in file order. Of invalid JSON, only the first.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = Problems::new(text, redact_urls);
        let root = parse_root(text, DOCUMENT, &mut problems);
        let mut entries = Vec::new();
        for property in root.iter().flat_map(|root| &root.properties) {
            let name = property.name.as_str();
            let (line, _) = problems.position(property.range.start);
            if name == SCHEMA_KEY {
                String::from_json(&property.value, name, &mut problems);
                continue;
            }
            let parsed = problems.within(format!("entry `{name}`"), |problems| {
                let fields = EntryFields::from_json(&property.value, name, problems)?;
                let review = Review::parse(&fields, problems);
                let follow = Follow::parse(name, &fields, problems);
                Some((parse_source(&fields, problems)?, review, follow))
            });
            entries.extend(parsed.map(|(source, review, follow)| Entry {
                name: name.to_owned(),
                line,
                source,
                review,
                follow,
            }));
        }
        problems.finish().map(|()| Self { entries })
    }
}

/// Returns the source of an entry, or reports why there is none.
fn parse_source(fields: &EntryFields, problems: &mut Problems<'_>) -> Option<Source> {
    let written = fields.version_source.as_ref();
    let registered = written.and_then(|Located { value, offset }| {
        let parsed = version_source::parse(value);
        parsed
            .map_err(|error| problems.add(*offset, format!("`versionSource`: {error}")))
            .ok()
    });
    let kind = registered.map(|(registered, _)| &registered.kind);
    if let (Some(kind), Some(written)) = (kind, written) {
        version_source::check_keys(kind, written.offset, fields, problems);
    }
    // Parsed even if the kind is unknown, so that one problem does not hide another.
    let parts = EntryParts::parse(kind, fields, problems);
    let (registered, argument) = registered?;
    let source = (registered.parse)(argument, parts);
    source
        .map_err(|error| {
            let offset = written.map_or(0, |written| written.offset);
            problems.add(offset, format!("`versionSource`: {error}"));
        })
        .ok()
}

#[cfg(test)]
#[path = "configuration_tests.rs"]
mod tests;
