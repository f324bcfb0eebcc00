//! `tagTemplate`: the tag of a version.

use std::fmt;

use super::version_extractor::{Extracted, VersionExtractor};

/// The placeholder for the whole name.
const NAME: &str = "name";

/// `tagTemplate`: text with the captures of `versionExtract`, such as `v{1}-{2}` or `{flavor}`.
///
/// `{name}` is the name of the release or tag, unless a group has that name, and `{0}` the part of it
/// that `versionExtract` matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    written: String,
    parts: Vec<Part>,
}

/// The reason why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The text is empty.
    #[error("the template is empty: write the tag with placeholders, such as `v{{1}}`")]
    Empty,
    /// The text has no placeholder, so that all versions have one tag.
    #[error(
        "`{0}` has no placeholder: all versions would have this tag; write one such as `{{1}}`"
    )]
    Constant(String),
    /// A character cannot be in a tag.
    #[error(
        "`{character}` in `{template}` cannot be in a tag: use letters, digits, `_`, `.`, `-`, and \
         placeholders such as `{{1}}`"
    )]
    Character {
        /// The template.
        template: String,
        /// The character.
        character: char,
    },
    /// A brace has no counterpart.
    #[error("`{0}` has a `{{` without a `}}`")]
    Brace(String),
    /// The placeholder is not a group of `versionExtract`.
    #[error("`{{{placeholder}}}` is not a capture of `versionExtract`; available: {available}")]
    Unknown {
        /// The placeholder.
        placeholder: String,
        /// All placeholders.
        available: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
    Name,
}

impl TagTemplate {
    /// Parses a template for the groups of `versionExtract`, if there is one.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] for the first problem.
    pub fn parse(text: &str, extract: Option<&VersionExtractor>) -> Result<Self, TemplateError> {
        let groups = extract.map(VersionExtractor::groups).unwrap_or_default();
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if first != '{' {
                let end = rest.find('{').unwrap_or(rest.len());
                let (literal, after) = rest.split_at(end);
                check_characters(text, literal)?;
                parts.push(Part::Text(literal.to_owned()));
                rest = after;
                continue;
            }
            let inner = &rest[1..];
            let Some((placeholder, after)) = inner.split_once('}') else {
                return Err(TemplateError::Brace(text.to_owned()));
            };
            parts.push(placeholder_part(placeholder, &groups)?);
            rest = after;
        }
        if parts.is_empty() {
            return Err(TemplateError::Empty);
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return Err(TemplateError::Constant(text.to_owned()));
        }
        Ok(Self {
            written: text.to_owned(),
            parts,
        })
    }

    /// Returns the tag for a name and its captures. A group that takes no part in the match is empty.
    #[must_use]
    pub fn tag(&self, name: &str, extracted: Option<&Extracted<'_>>) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Name => name,
            Part::Group(group) => {
                let captured = extracted.and_then(|extracted| extracted.captures.get(*group));
                captured.map_or("", |captured| captured.as_str())
            }
        });
        parts.collect()
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn check_characters(template: &str, literal: &str) -> Result<(), TemplateError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    match literal.chars().find(|c| !allowed(*c)) {
        None => Ok(()),
        Some(character) => Err(TemplateError::Character {
            template: template.to_owned(),
            character,
        }),
    }
}

fn placeholder_part(placeholder: &str, groups: &[String]) -> Result<Part, TemplateError> {
    let named = groups.iter().position(|group| group == placeholder);
    let numbered = placeholder.parse().ok();
    let group = named.or(numbered.filter(|index: &usize| *index < groups.len()));
    match group {
        Some(group) => Ok(Part::Group(group)),
        None if placeholder == NAME => Ok(Part::Name),
        None => {
            let all = groups.iter().map(String::as_str).chain([NAME]);
            let all: Vec<_> = all.map(|name| format!("`{{{name}}}`")).collect();
            Err(TemplateError::Unknown {
                placeholder: placeholder.to_owned(),
                available: all.join(", "),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_has_the_captures() {
        for (pattern, template, name, tag) in [
            (
                "^(v[0-9.]+)\\+(k3s\\d+)$",
                "{1}-{2}",
                "v1.29.13+k3s1",
                "v1.29.13-k3s1",
            ),
            (
                "^cluster-autoscaler-(.*)$",
                "v{1}",
                "cluster-autoscaler-1.30.0",
                "v1.30.0",
            ),
            (
                "^v(?<version>[^-]+)(-(?<flavor>.*))?$",
                "{flavor}-{version}",
                "v1.2-alpine",
                "alpine-1.2",
            ),
            ("^v(.+?)(-rc)?$", "{1}{2}.x", "v1.2", "1.2.x"),
            ("(\\d+)", "{0}-{name}", "a12b", "12-a12b"),
            ("^r(?<name>.*)$", "{name}", "r12", "12"),
        ] {
            let extract = VersionExtractor::parse(pattern, true).unwrap();
            let parsed = TagTemplate::parse(template, Some(&extract)).unwrap();
            let extracted = extract.extract(name);
            assert_eq!(parsed.tag(name, extracted.as_ref()), tag, "{template}");
        }
        let without = TagTemplate::parse("v{name}", None).unwrap();
        assert_eq!(without.tag("1.2", None), "v1.2");
    }

    #[test]
    fn invalid_template_is_rejected() {
        let extract = VersionExtractor::parse("^(?<major>\\d+)\\.(\\d+)$", true).unwrap();
        for (template, message) in [
            ("", "the template is empty"),
            ("v1", "`v1` has no placeholder"),
            ("{1", "has a `{` without a `}`"),
            ("{1}+{2}", "`+` in `{1}+{2}` cannot be in a tag"),
            ("1}", "`}` in `1}` cannot be in a tag"),
            (
                "{3}",
                "`{3}` is not a capture of `versionExtract`; available: `{0}`, `{major}`, `{2}`, `{name}`",
            ),
            ("{minor}", "`{minor}` is not a capture"),
            ("{}", "`{}` is not a capture"),
        ] {
            let error = TagTemplate::parse(template, Some(&extract)).unwrap_err();
            assert!(error.to_string().contains(message), "{template}: {error}");
        }
        let error = TagTemplate::parse("{1}", None).unwrap_err().to_string();
        assert!(error.contains("available: `{name}`"), "{error}");
    }
}
