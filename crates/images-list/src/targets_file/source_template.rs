//! Texts with placeholders for parts of a source.

use std::str::FromStr;

use image_name::RepositoryName;

/// The description if `description` is `true`: the text that existing mirrors use.
const DEFAULT_DESCRIPTION: &str = "This repository is an automated partial mirror of {source}.";

/// The separators after `{org}` that are left out with an empty organization.
const SEPARATORS: [char; 4] = ['-', '_', '.', '/'];

/// A text with placeholders for parts of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// The parts of a source, such as `quay.io/coreos/etcd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    /// `quay.io/coreos/etcd`.
    Source,
    /// `quay.io`.
    Host,
    /// `coreos`; empty if the path has one component.
    Org,
    /// `etcd`.
    Name,
    /// `coreos/etcd`.
    Path,
}

/// The reason why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A brace is not closed or not opened.
    #[error("unbalanced brace: write placeholders such as `{{name}}`")]
    Brace,
    /// The text between braces is not a placeholder.
    #[error(
        "unknown placeholder `{{{name}}}`: use {{host}}, {{org}}, {{name}}, {{path}} or {{source}}"
    )]
    Placeholder {
        /// The text.
        name: String,
    },
}

/// The template for the short description of a destination repository.
///
/// Its placeholders are parts of the source: `{source}`, `{host}`, `{org}`, `{name}` and `{path}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptionTemplate(SourceTemplate);

impl DescriptionTemplate {
    /// Returns the description of a repository that mirrors a source.
    #[must_use]
    pub fn render(&self, source: &RepositoryName) -> String {
        self.0.render(source)
    }
}

/// The template of `"description": true`.
impl Default for DescriptionTemplate {
    fn default() -> Self {
        // A test checks that the text is a template.
        let parsed = SourceTemplate::from_str(DEFAULT_DESCRIPTION);
        Self(parsed.unwrap_or_else(|_| SourceTemplate(Vec::new())))
    }
}

impl FromStr for DescriptionTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl SourceTemplate {
    /// Replaces the placeholders. If a source has no organization, `{org}` is left out with the separator
    /// after it.
    pub(super) fn render(&self, source: &RepositoryName) -> String {
        self.render_with(source, |value| value)
    }

    /// Replaces the placeholders as [`SourceTemplate::render`] does, for a path: the `:` before a port
    /// becomes `-`.
    pub(super) fn render_path(&self, source: &RepositoryName) -> String {
        self.render_with(source, |value| value.replace(':', "-"))
    }

    fn render_with(&self, source: &RepositoryName, map: impl Fn(String) -> String) -> String {
        let mut text = String::new();
        let mut is_after_nothing = false;
        for part in &self.0 {
            let next = match part {
                Part::Text(next) => next.clone(),
                Part::Placeholder(placeholder) => map(placeholder.value(source)),
            };
            text += match is_after_nothing {
                true => next.strip_prefix(SEPARATORS).unwrap_or(&next),
                false => &next,
            };
            is_after_nothing = next.is_empty();
        }
        text
    }
}

impl Placeholder {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "source" => Some(Self::Source),
            "host" => Some(Self::Host),
            "org" => Some(Self::Org),
            "name" => Some(Self::Name),
            "path" => Some(Self::Path),
            _ => None,
        }
    }

    fn value(self, source: &RepositoryName) -> String {
        let path = source.path().as_str();
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self {
            Self::Source => source.full(),
            Self::Host => source.host().to_string(),
            Self::Org => parent.rsplit('/').next().unwrap_or_default().to_owned(),
            Self::Name => name.to_owned(),
            Self::Path => path.to_owned(),
        }
    }
}

impl FromStr for SourceTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let inner = from_brace.strip_prefix('{').ok_or(TemplateError::Brace)?;
            let (name, after) = inner.split_once('}').ok_or(TemplateError::Brace)?;
            let placeholder = Placeholder::parse(name).ok_or_else(|| match name.contains('{') {
                true => TemplateError::Brace,
                false => TemplateError::Placeholder {
                    name: name.to_owned(),
                },
            })?;
            parts.push(Part::Placeholder(placeholder));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_parts_of_the_source() {
        for (template, source, want) in [
            ("{source}", "busybox", "docker.io/library/busybox"),
            ("m-{org}-{name}", "quay.io/a/b/c", "m-b-c"),
            ("m-{org}-{name}", "k8s.io/pause", "m-pause"),
            ("{org}/{name}", "k8s.io/pause", "pause"),
            ("{org} {name}", "k8s.io/pause", " pause"),
            ("{host} has {path}", "quay.io/a/b", "quay.io has a/b"),
            ("plain", "a/b", "plain"),
        ] {
            let template: SourceTemplate = template.parse().unwrap();
            assert_eq!(template.render(&source.parse().unwrap()), want);
        }
    }

    #[test]
    fn default_description_names_the_source() {
        let text = DescriptionTemplate::default().render(&"quay.io/a/b".parse().unwrap());
        assert_eq!(
            text,
            "This repository is an automated partial mirror of quay.io/a/b."
        );
    }

    #[test]
    fn unknown_placeholders_and_lone_braces_are_refused() {
        for (text, reason) in [
            ("{nam}", "unknown placeholder `{nam}`: use {host}"),
            ("{}", "unknown placeholder `{}`"),
            ("{name", "unbalanced brace"),
            ("name}", "unbalanced brace"),
            ("{{name}}", "unbalanced brace"),
        ] {
            let error = text.parse::<SourceTemplate>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
