//! The parser of a targets file: converts its fields to types that cannot hold invalid values.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use strict_json::{
    Document, Flag, JsonProblem, Located, NamedMap, NonEmpty, ObjectReader, Problems, Value,
    parse_root, suggest,
};

use super::fields::{DescriptionField, GroupField, NamingFields, TargetFields, TargetsFields};
use super::naming::{NamingError, NamingRule};
use super::prefix::TargetPrefix;
use super::source_template::DescriptionTemplate;
use super::target::{RequestRate, Target};
use super::targets::Targets;
use crate::destination::TargetName;

/// The words for the file in its problems.
const DOCUMENT: Document = Document {
    form: "{\"targets\": {\"NAME\": {\"prefix\": \"HOST/PATH\"}}}",
    item: "key",
};

impl Targets {
    /// Parses the text of a targets file.
    ///
    /// # Errors
    ///
    /// All problems of the file, in file order. For invalid JSON, only the first problem.
    pub fn parse(text: &str) -> Result<Self, Vec<JsonProblem>> {
        let mut problems = Problems::new(text, str::to_owned);
        let mut targets = Self::default();
        if let Some(root) = parse_root(text, DOCUMENT, &mut problems) {
            let root = Value::Object(root);
            if let Some(fields) = ObjectReader::new(&root, "targets", &mut problems) {
                let fields = TargetsFields::read(fields, &mut problems);
                targets.read_fields(&fields, &mut problems);
            }
        }
        problems.finish().map(|()| targets)
    }

    fn read_fields(&mut self, fields: &TargetsFields, problems: &mut Problems<'_>) {
        // Includes the names of invalid targets and groups, so that one problem does not cause others.
        let mut written: Vec<TargetName> = Vec::new();
        if let Some(targets) = &fields.targets {
            let NonEmpty(NamedMap(targets)) = &targets.value;
            written.extend(
                targets
                    .iter()
                    .filter_map(|(name, _)| name.value.parse().ok()),
            );
            for (name, fields) in targets {
                let within = format!("target `{}`", name.value);
                let target =
                    problems.within(within, |problems| read_target(name, fields, problems));
                if let Some(target) = target {
                    self.add_target(target, name.offset, problems);
                }
            }
        }
        if let Some(groups) = &fields.groups {
            let NamedMap(groups) = &groups.value;
            for (name, GroupField(NonEmpty(members))) in groups {
                let within = format!("group `{}`", name.value);
                problems.within(within, |problems| {
                    self.add_group(name, members, &written, problems);
                });
            }
            written.extend(
                groups
                    .iter()
                    .filter_map(|(name, _)| name.value.parse().ok()),
            );
        }
        if let Some(default) = &fields.default {
            let NonEmpty(names) = &default.value;
            problems.within("`default`".to_owned(), |problems| {
                self.default = read_names(names, &written, "target or group", problems);
            });
        }
        for rule in fields.naming.iter().flat_map(|naming| &naming.value) {
            self.naming.extend(read_rule(&rule.value, problems));
        }
    }

    fn add_target(&mut self, target: Target, offset: usize, problems: &mut Problems<'_>) {
        let same = self
            .targets
            .iter()
            .find(|other| other.prefix == target.prefix);
        if let Some(same) = same {
            let message = format!(
                "the targets `{}` and `{}` have the same prefix `{}`: remove one of them",
                same.name, target.name, target.prefix
            );
            problems.add(offset, message);
        }
        let target = Arc::new(target);
        let name = target.name.clone();
        self.members.insert(name, vec![Arc::clone(&target)]);
        self.targets.push(target);
    }

    fn add_group(
        &mut self,
        name: &Located<String>,
        members: &[Located<String>],
        written: &[TargetName],
        problems: &mut Problems<'_>,
    ) {
        let Some(group) = parse::<TargetName>(name, problems) else {
            return;
        };
        if written.contains(&group) {
            problems.add(
                name.offset,
                "a target has this name too: rename one of them",
            );
            return;
        }
        let named = read_names(members, written, "target", problems);
        let targets = self
            .targets
            .iter()
            .filter(|target| named.contains(&target.name));
        let mut targets: Vec<_> = targets.cloned().collect();
        targets.sort_by_key(|target| named.iter().position(|name| *name == target.name));
        self.members.insert(group.clone(), targets.clone());
        self.groups.push((group, targets));
    }
}

fn read_target(
    name: &Located<String>,
    fields: &TargetFields,
    problems: &mut Problems<'_>,
) -> Option<Target> {
    let (line, _) = problems.position(name.offset);
    let name = parse::<TargetName>(name, problems);
    let prefix = fields.prefix.as_ref();
    let prefix = prefix.and_then(|prefix| prefix.parse::<TargetPrefix>("prefix", problems));
    let jobs = fields.jobs.as_ref().map(|jobs| jobs.value.0);
    let requests_per_second = fields.requests_per_second.as_ref().and_then(|rate| {
        let parsed = RequestRate::per_second(rate.value);
        if parsed.is_none() {
            let message = format!(
                "`requestsPerSecond` is a number from 0.01 to 10000, not {}",
                rate.value
            );
            problems.add(rate.offset, message);
        }
        parsed
    });
    let platforms = fields.platforms.as_ref().map(|platforms| {
        let NonEmpty(platforms) = &platforms.value;
        platforms
            .iter()
            .map(|platform| platform.value.clone())
            .collect()
    });
    let description = fields.description.as_ref().and_then(|description| {
        let offset = description.offset;
        match &description.value {
            DescriptionField::Default(false) => None,
            DescriptionField::Default(true) => Some(DescriptionTemplate::default()),
            DescriptionField::Template(value) => {
                let value = value.clone();
                Located { value, offset }.parse("description", problems)
            }
        }
    });
    Some(Target {
        name: name?,
        prefix: prefix?,
        jobs,
        requests_per_second,
        platforms,
        referrers: fields.referrers.as_ref().map(|flag| flag.value == Flag::On),
        create: fields
            .create
            .as_ref()
            .map(|create| create.value.0)
            .unwrap_or_default(),
        description,
        line,
    })
}

fn read_rule(fields: &NamingFields, problems: &mut Problems<'_>) -> Option<NamingRule> {
    let (sources, name) = (fields.sources.as_ref()?, fields.name.as_ref()?);
    let rule = NamingRule::new(&sources.value, &name.value);
    rule.map_err(|error| {
        let offset = match &error {
            NamingError::Pattern { .. } => sources.offset,
            _ => name.offset,
        };
        problems.add(offset, format!("`naming`: {error}"));
    })
    .ok()
}

/// Returns the known names of a list of names, and reports the others.
fn read_names(
    names: &[Located<String>],
    known: &[TargetName],
    kind: &str,
    problems: &mut Problems<'_>,
) -> Vec<TargetName> {
    let mut found: Vec<TargetName> = Vec::new();
    for written in names {
        let Located { value, offset } = written;
        match known.iter().find(|name| name.as_str() == value) {
            Some(name) if found.contains(name) => {
                problems.add(*offset, format!("`{value}` is named twice"));
            }
            Some(name) => found.push(name.clone()),
            None => {
                let nearest = suggest(value, known.iter().map(TargetName::as_str));
                let nearest = nearest.map(|name| format!("; the nearest name is `{name}`"));
                let message = format!(
                    "`{}` is not a {kind}{}",
                    value.escape_debug(),
                    nearest.unwrap_or_default()
                );
                problems.add(*offset, message);
            }
        }
    }
    found
}

fn parse<T: FromStr<Err: Display>>(
    written: &Located<String>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let parsed = written.value.parse();
    parsed
        .map_err(|error: T::Err| problems.add(written.offset, error))
        .ok()
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
